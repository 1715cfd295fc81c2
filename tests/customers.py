"""Order records written straight into the table, for what is summed up of them."""

from __future__ import annotations

import datetime as dt
import itertools

from saleor_retention.engine.segments.customers import OrderMade, Rollup, rollup_of
from saleor_retention.models import (
    Account,
    CustomerRollup,
    MemberEvent,
    OrderRecord,
    Program,
    Referral,
)
from saleor_retention.selectors.segments import rollup_in
from tests.fakes import CHANNEL

_numbers = itertools.count(1)


def record_order(
    account: Account,
    at: dt.datetime,
    minor: int,
    *,
    channel_ref: str = CHANNEL,
    is_counted: bool = True,
) -> OrderRecord:
    """Write down an order that was settled, without telling anybody."""
    return OrderRecord.objects.create(
        order_ref=f"written-{next(_numbers)}",
        program=account.program,
        account=account,
        version=account.program.current_version,
        channel_ref=channel_ref,
        currency="USD",
        created_at=at,
        paid_at=at,
        is_counted=is_counted,
        spend_minor=minor if is_counted else 0,
        settled_at=at,
    )


def record_event(
    account: Account, kind: str, at: dt.datetime, *, is_reversed: bool = False
) -> MemberEvent:
    """Write down something that a member did, without a reward."""
    return MemberEvent.objects.create(
        account=account,
        source="test",
        reference=f"written-{next(_numbers)}",
        kind=kind,
        at=at,
        recorded_at=at,
        outcome="no_points",
        version=account.program.current_version,
        reversed_at=at if is_reversed else None,
    )


def refer(advocate: Account, friend: Account, state: str, at: dt.datetime) -> Referral:
    """Write down a referral in some state, without points."""
    is_booked, is_over = state in ("pending", "rewarded"), state in ("rewarded", "void")
    return Referral.objects.create(
        advocate=advocate,
        friend=friend,
        version=advocate.program.current_version,
        claimed_at=at,
        state=state,
        booked_at=at if is_booked else None,
        due_at=at if is_booked else None,
        ended_at=at if is_over else None,
    )


def kept(account: Account) -> Rollup | None:
    """Return the stored rollup of an account as the engine has it."""
    row = CustomerRollup.objects.filter(account=account).first()
    return None if row is None else rollup_in(row)


def made(account: Account, tz: str) -> Rollup | None:
    """Sum the account's records up with the engine."""
    records = OrderRecord.objects.filter(account=account, is_counted=True)
    orders = [OrderMade(record.created_at, record.spend_minor) for record in records]
    return rollup_of(orders, tz)


def wrong_rollups(program: Program, tz: str) -> list[int]:
    """Return the accounts whose rollup is not what the engine makes of their records."""
    accounts = Account.objects.filter(program=program)
    return [account.pk for account in accounts if kept(account) != made(account, tz)]
