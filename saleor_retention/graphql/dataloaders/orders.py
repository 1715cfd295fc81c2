"""What orders earned and cost in points, for all orders of a query at once.

An order that no settling has seen yet shows what it will earn, computed from its facts under the
terms that settling would freeze; nothing is written by looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, Sum

from saleor_retention import host
from saleor_retention.engine.accrual import EarnTerms, earn, may_earn
from saleor_retention.engine.facts import OrderFacts, OrderState
from saleor_retention.engine.rules import Enrolment
from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.graphql.enums import OrderPointsState
from saleor_retention.models import (
    Account,
    AccountState,
    Lot,
    OrderRecord,
    ProgramChannel,
    StoredQuote,
)
from saleor_retention.selectors.programs import rules_of


@dataclass(frozen=True, slots=True)
class OrderPoints:
    """An order's points as they are shown."""

    order_ref: str
    quoted: int = 0
    earned: int = 0
    pending: int = 0
    redeemed: int = 0
    clawed_back: int = 0
    restored: int = 0
    bonus: int = 0

    @property
    def state(self) -> OrderPointsState:
        """Return how far the points are."""
        if not self.earned:
            return OrderPointsState.QUOTED if self.pending else OrderPointsState.NONE
        if self.clawed_back >= self.earned:
            return OrderPointsState.REVERSED
        return OrderPointsState.PENDING if self.pending else OrderPointsState.AVAILABLE


class PointsOfOrder(Loader[str, OrderPoints]):
    """Points by order reference; None where no program has to do with the order."""

    def find(self, keys: Sequence[str]) -> Mapping[str, OrderPoints]:
        """Read those that are settled in two statements, and compute the others in a few more."""
        records = {
            record.order_ref: record for record in OrderRecord.objects.filter(order_ref__in=keys)
        }
        waiting = self._waiting(records)
        found = {
            ref: _settled(record, waiting.get(ref, 0))
            for ref, record in records.items()
            if record.paid_at is not None
        }
        unsettled = [ref for ref in keys if ref not in found]
        if unsettled:
            facts = host.current().orders_facts(unsettled)
            found.update(_expected(facts.values(), records))
        return found

    def _waiting(self, order_refs: Iterable[str]) -> Mapping[str, int]:
        """Return the points of each order that cannot be spent yet."""
        now = moment(self.info)
        lots = Lot.objects.filter(order_ref__in=list(order_refs), is_pending=True, remaining__gt=0)
        lots = lots.filter(Q(valid_from=None) | Q(valid_from__gt=now))
        sums = lots.values_list("order_ref").annotate(points=Sum("remaining")).order_by()
        return dict(sums)


def _settled(record: OrderRecord, pending: int) -> OrderPoints:
    return OrderPoints(
        order_ref=record.order_ref,
        quoted=record.quoted,
        earned=record.earned,
        pending=pending,
        redeemed=record.redeemed,
        clawed_back=record.clawed,
        restored=record.restored,
        bonus=record.bonus,
    )


def _expected(
    orders: Iterable[OrderFacts], records: Mapping[str, OrderRecord]
) -> dict[str, OrderPoints]:
    """Return what orders will earn that were not seen paid yet."""
    orders = list(orders)
    versions = _Versions(orders)
    found = {}
    for order in orders:
        record = records.get(order.ref)
        if record is not None:
            points = record.quoted
            redeemed, restored = record.redeemed, record.restored
        else:
            terms = versions.terms_of(order)
            if terms is None or not may_earn(order, terms.rules):
                continue
            points, redeemed, restored = earn(order, terms).points, 0, 0
        is_open = order.state in (OrderState.OPEN, OrderState.UNCONFIRMED)
        found[order.ref] = OrderPoints(
            order_ref=order.ref,
            quoted=points,
            pending=points if is_open else 0,
            redeemed=redeemed,
            restored=restored,
        )
    return found


class _Versions:
    """The terms that unsettled orders will have: of their quote, or of their channel's program."""

    def __init__(self, orders: Sequence[OrderFacts]) -> None:
        checkouts = [order.checkout_ref for order in orders if order.checkout_ref]
        quotes = StoredQuote.objects.filter(checkout_ref__in=checkouts).defer("payload")
        self._quotes = {quote.checkout_ref: quote for quote in quotes}
        places = ProgramChannel.objects.select_related("program").filter(
            channel_ref__in={order.channel_ref for order in orders}, is_active=True
        )
        self._places = {place.channel_ref: place for place in places}
        accounts = Account.objects.filter(
            program_id__in=[place.program_id for place in self._places.values()],
            user_id__in={order.user_ref for order in orders if order.user_ref},
            state=AccountState.MEMBER,
        )
        self._accounts = {
            (account.program_id, str(account.user_id)): account for account in accounts
        }

    def terms_of(self, order: OrderFacts) -> EarnTerms | None:
        """Return the terms, or None where the order earns nothing."""
        quote = self._quotes.get(order.checkout_ref or "")
        if quote is not None and quote.version_id is not None:
            return EarnTerms(rules_of(quote.version_id), quote.tier or None)
        place = self._places.get(order.channel_ref)
        if place is None or order.created_at < place.began_at:
            return None
        program = place.program
        rules = rules_of(program.current_version_id)
        account = self._accounts.get((program.pk, order.user_ref or ""))
        if account is None and rules.enrolment is Enrolment.OPT_IN:
            return None
        return EarnTerms(rules, account.tier or None if account else None)
