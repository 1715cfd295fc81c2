"""What members have of their program already, for who walks through their past orders.

Simulation and backfill both begin from here, so that a cap that is half used and points that were
had before count the same in what is shown and in what is booked. What differs is what they ask: a
backfill books what is not booked yet, a simulation computes the orders that it looks at anew, also
those that are booked, and begins from all others.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from saleor_retention.engine.history import Reason
from saleor_retention.engine.rules import Enrolment, ExpiryPolicy, ProgramRules
from saleor_retention.models import Account, AccountState, OrderRecord, Program, Transaction
from saleor_retention.selectors.caps import within_room
from saleor_retention.selectors.past import Customer

Used = tuple[tuple[dt.datetime, int], ...]
"""Payment and points of orders that count against caps."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a chunk of customers has of a program; nothing where there is no program yet."""

    accounts: dict[str, Account] = field(default_factory=dict)  # by user
    booked: dict[str, int] = field(default_factory=dict)  # points of the orders that are looked at
    with_first_order: frozenset[int] = frozenset()  # accounts
    used_by: dict[int, Used] = field(default_factory=dict)  # by account

    def account_of(self, customer: Customer) -> Account | None:
        """Return the customer's account; None where the first points would open it."""
        return self.accounts.get(customer.user_ref)

    def has_first_order(self, customer: Customer) -> bool:
        """Tell whether the points for the first order were given, or are not due any more."""
        account = self.account_of(customer)
        return account is not None and account.pk in self.with_first_order

    def used(self, customer: Customer) -> Used:
        """Return what counts against the customer's caps."""
        account = self.account_of(customer)
        return () if account is None else self.used_by.get(account.pk, ())


def standing_of(
    chunk: Sequence[Customer], program: Program, rules: ProgramRules, *, computes_anew: bool
) -> Standing:
    """Return what these customers have; four statements at most.

    With ``computes_anew`` nothing that comes from the chunk's own orders is in it.
    """
    user_ids = [int(customer.user_ref) for customer in chunk]
    found = Account.objects.filter(program=program, user_id__in=user_ids)
    accounts = {str(account.user_id): account for account in found}
    account_ids = [account.pk for account in accounts.values()]
    refs = [order.ref for customer in chunk for order in customer.orders]
    own = refs if computes_anew else []
    counted = OrderRecord.objects.filter(account__in=account_ids, is_counted=True)
    counted = counted.exclude(order_ref__in=own).order_by()
    given = Transaction.objects.filter(
        program=program, key__in=[f"first_order:{pk}" for pk in account_ids]
    ).exclude(order_ref__in=own)
    with_first_order = {*counted.values_list("account_id", flat=True).distinct()}
    with_first_order.update(given.values_list("account_id", flat=True))
    return Standing(
        accounts,
        {} if computes_anew else _booked(refs),
        frozenset(with_first_order),
        used_of(account_ids, rules, besides=own),
    )


def used_of(
    account_ids: Sequence[int], rules: ProgramRules, *, besides: Sequence[str] = ()
) -> dict[int, Used]:
    """Return what the members' orders have used of the caps, where there are any."""
    if not rules.earn_caps.look_at_other_orders:
        return {}
    records = OrderRecord.objects.filter(
        account__in=account_ids, earned__gt=0, paid_at__isnull=False
    ).exclude(order_ref__in=besides)
    used: dict[int, list[tuple[dt.datetime, int]]] = defaultdict(list)
    for account_id, *payment in records.values_list("account_id", "paid_at", within_room()):
        used[account_id].append((payment[0], payment[1]))
    return {account_id: tuple(payments) for account_id, payments in used.items()}


def objection_to(
    customer: Customer, account: Account | None, rules: ProgramRules, *, is_there: bool = True
) -> Reason | None:
    """Return why a customer gets nothing at all; None where he may.

    Where the program is not there yet (``is_there``) every customer is taken for enrolled.
    """
    if account is not None:
        return None if account.state == AccountState.MEMBER else Reason.NOT_A_MEMBER
    if not customer.is_confirmed:
        return Reason.GUEST
    if is_there and rules.enrolment is Enrolment.OPT_IN:
        return Reason.NOT_A_MEMBER
    return None


def lives_from(
    rules: ProgramRules, since: dt.datetime | None, account: Account | None, at: dt.datetime
) -> dt.datetime | None:
    """Return from when inactivity counts, where it does: ``since``, or the last activity."""
    if rules.expiry.policy is not ExpiryPolicy.INACTIVITY or since is None or account is None:
        return since
    return max(since, min(account.last_activity_at, at))


def _booked(order_refs: Sequence[str]) -> dict[str, int]:
    records = OrderRecord.objects.filter(order_ref__in=order_refs)
    return dict(records.values_list("order_ref", within_room()))
