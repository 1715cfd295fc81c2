"""Loyalty for existing customers: who paid more just before an offer, and points to make it good.

The report reads the shop's own orders, customer by customer, in chunks, and holds one chunk in
memory. One grant for each customer and version of the offer: a run that is repeated, or was cut
off, grants nobody twice. Orders of guests and of tills belong to no customer of the shop and are
left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.engine.offers.fairness import (
    UNSUPPORTED,
    Overpaid,
    overpaid,
    points_to_make_good,
    window_of,
)
from saleor_retention.engine.offers.kinds import Offer as PricedOffer
from saleor_retention.engine.offers.terms import OfferTerms, in_currency
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import PastOrder
from saleor_retention.models import Account, AccountState, Offer, Program
from saleor_retention.selectors.offers import followed_terms, terms_of
from saleor_retention.selectors.past import ORDERS_AT_ONCE, Scope, customers
from saleor_retention.selectors.past import Customer as PastCustomer
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import granting
from saleor_retention.services.membership import members

DAYS_MAX = 366
ORDERS_A_PAGE_MAX = 5000


class Outcome(StrEnum):
    """What became of one customer's grant."""

    GRANTED = "granted"
    GRANTED_BEFORE = "granted_before"
    NOT_A_MEMBER = "not_a_member"
    NO_POINT_VALUE = "no_point_value"
    REFUSED = "refused"  # by a rule of the program; the message says which


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer who paid more than the offer would have asked."""

    user_ref: str
    email: str
    account_id: int | None  # of a present member
    lines: tuple[Overpaid, ...]
    points: int | None  # that make it good; None where points have no value in a currency
    place: PastOrder  # to go on after

    @property
    def over_minor(self) -> dict[str, int]:
        """Return what was overpaid, by currency."""
        found: dict[str, int] = {}
        for line in self.lines:
            found[line.currency] = found.get(line.currency, 0) + line.over_minor
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Some customers, and the place to go on after; None when that was all."""

    customers: tuple[Customer, ...]
    place: PastOrder | None


@dataclass(frozen=True, slots=True)
class Granted:
    """What became of one customer's points."""

    customer: Customer
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True)
class Study:
    """One offer held against the orders of the days before it starts."""

    program: Program
    offer: Offer
    terms: OfferTerms
    since: dt.datetime
    until: dt.datetime
    version_id: int

    @cached_property
    def point_values(self) -> Mapping[str, Fraction]:
        """Return what a point is worth, by currency."""
        version_id = self.program.current_version_id
        return {} if version_id is None else rules_of(version_id).point_values

    @cached_property
    def tax_in_prices(self) -> dict[str, bool]:
        """Return how prices are entered, by channel of the offer that still exists."""
        shop = host.current()
        own = {place.channel_ref for place in self.program.channels.all()}
        wanted = own & self.terms.channels if self.terms.channels else own
        return {
            place.ref: shop.has_tax_in_prices(place.ref)
            for place in shop.channels()
            if place.ref in wanted
        }

    @cached_property
    def _priced(self) -> dict[str, PricedOffer | None]:
        return {}

    def priced_in(self, currency: str) -> PricedOffer | None:
        """Return the offer in a currency; None where it has no amounts in it."""
        if currency not in self._priced:
            self._priced[currency] = in_currency(
                self.terms, offer_id=str(self.offer.pk), name=self.offer.name, currency=currency
            )
        return self._priced[currency]


def study(offer: Offer, *, days: int, now: dt.datetime | None = None) -> Study:
    """Return what is to be looked at: the orders of the days before the offer starts.

    They end now where the offer starts later or has no start. Refusals: INVALID (days),
    NOT_SUPPORTED (a kind without a price to compare with; says why), NOT_FOUND (no version).
    """
    if not 1 <= days <= DAYS_MAX:
        raise Refusal(Code.INVALID, f"Days must be from 1 to {DAYS_MAX}.", "days")
    if offer.current_version_id is None:
        raise Refusal(Code.NOT_FOUND, f'The offer "{offer.slug}" has no version.', "offerId")
    terms = followed_terms(offer.program_id, terms_of(offer.current_version_id))
    if terms.kind in UNSUPPORTED:
        raise Refusal(Code.NOT_SUPPORTED, UNSUPPORTED[terms.kind], "offerId")
    since, until = window_of(terms.starts_at, days, now or timezone.now())
    return Study(offer.program, offer, terms, since, until, offer.current_version_id)


def who_paid_more(found: Study, *, size: int = ORDERS_AT_ONCE) -> Iterator[Customer]:
    """Yield the customers who paid more than with the offer, by key, each with all lines.

    For each chunk of ``size`` orders a constant number of statements. An order in a currency that
    the offer has no amounts in is passed over.
    """
    for chunk in _chunks(found, size, None):
        yield from _paid_more(chunk, found)


def page(
    found: Study, *, limit: int, after: PastOrder | None = None, size: int = ORDERS_AT_ONCE
) -> Page:
    """Return up to ``limit`` customers who paid more, after a place.

    Fewer, also none, where a page's worth of orders (``ORDERS_A_PAGE_MAX``) was looked at without
    finding more: the page then names the place that was reached.
    """
    paid_more: list[Customer] = []
    looked_at = 0
    for chunk in _chunks(found, size, after):
        for customer in _paid_more(chunk, found):
            paid_more.append(customer)
            if len(paid_more) == limit:
                return Page(tuple(paid_more), customer.place)
        looked_at += sum(len(each.orders) for each in chunk)
        if looked_at >= ORDERS_A_PAGE_MAX:
            return Page(tuple(paid_more), chunk[-1].place)
    return Page(tuple(paid_more), None)


def make_good(
    found: Study,
    paid_more: Iterable[Customer],
    *,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Iterator[Granted]:
    """Grant each customer the points, once for the version of the offer, and yield what came of it.

    Every grant is a transaction of its own, dated when it is made and under the program's limits
    for grants: a refused one stops no other. Somebody who got points under this version before gets
    no more, even if the report has changed since.
    """
    for customer in paid_more:
        yield _grant(found, customer, actor_ref, now or timezone.now())


def _grant(found: Study, customer: Customer, actor_ref: str, at: dt.datetime) -> Granted:
    points, account_id = customer.points, customer.account_id
    if points is None:
        return Granted(customer, Outcome.NO_POINT_VALUE)
    if account_id is None:  # the first points open an account where every customer is a member
        account = members.member_of(found.program, customer.user_ref, now=at)
        if account is None or account.state != AccountState.MEMBER:
            return Granted(customer, Outcome.NOT_A_MEMBER)
        account_id = account.pk
        customer = replace(customer, account_id=account_id)
    try:
        posted = granting.grant(
            account_id=account_id,
            points=points,
            reason=f'You bought just before the offer "{found.offer.name}" starts.',
            actor_ref=actor_ref,
            key=f"fairness:{found.version_id}:{account_id}",
            now=at,
        )
    except Refusal as refusal:
        if refusal.code is Code.KEY_REUSED:
            return Granted(customer, Outcome.GRANTED_BEFORE)
        return Granted(customer, Outcome.REFUSED, refusal.message)
    return Granted(customer, Outcome.GRANTED if posted.is_new else Outcome.GRANTED_BEFORE)


def _chunks(found: Study, size: int, after: PastOrder | None) -> Iterator[list[PastCustomer]]:
    scope = Scope(tuple(sorted(found.tax_in_prices)), found.since, found.until)
    if scope.channel_refs and found.since < found.until:
        yield from customers(scope, size, after)


def _paid_more(chunk: list[PastCustomer], found: Study) -> Iterator[Customer]:
    paid_more = [(each, lines) for each in chunk if (lines := tuple(_lines(each.orders, found)))]
    accounts = _members(found.program, [each.user_ref for each, _ in paid_more])
    for each, lines in paid_more:
        yield Customer(
            user_ref=each.user_ref,
            email=each.user.email if each.user else "",
            account_id=accounts.get(each.user_ref),
            lines=lines,
            points=points_to_make_good(lines, found.point_values),
            place=each.place,
        )


def _lines(orders: Iterable[OrderFacts], found: Study) -> Iterator[Overpaid]:
    for order in orders:
        offer = found.priced_in(order.currency)
        if offer is not None:
            has_tax_in_prices = found.tax_in_prices[order.channel_ref]
            yield from overpaid(order, offer, has_tax_in_prices=has_tax_in_prices)


def _members(program: Program, user_refs: Iterable[str]) -> dict[str, int]:
    """Return the accounts of present members by user, in one statement."""
    accounts = Account.objects.filter(
        program=program, state=AccountState.MEMBER, user_id__in=list(user_refs)
    )
    return {str(user_id): pk for user_id, pk in accounts.values_list("user_id", "pk")}
