"""What members and staff have used of the limits on points."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Least

from saleor_retention.engine.caps import Span, Used, day_of, month_of
from saleor_retention.models import (
    Account,
    Book,
    Entry,
    Hold,
    HoldState,
    MemberEvent,
    OrderRecord,
    Program,
    TransactionKind,
)

STAFF = "user:"
"""What the reference of an actor begins with who is a person."""

COUNTED_HOLDS = (HoldState.PLACED, HoldState.CAPTURED)


def earned_by_others(record: OrderRecord, paid_at: dt.datetime, tz: str) -> Used:
    """Return what the member's other orders earned around the payment of this one.

    Before anything was taken back, but for what a guest's order had beyond the room that it got
    with its member. The caller holds the lock of the record's account.
    """
    others = OrderRecord.objects.filter(account_id=record.account_id).exclude(pk=record.pk)
    return _used(others, within_room(), "paid_at", paid_at, tz)


def within_room() -> Least:
    """Return what an order's record counts against caps: what it earned within its room."""
    return Least(F("earned"), Coalesce(F("earn_room"), F("earned")))


def redeemed_by(account: Account, at: dt.datetime, tz: str, *, besides: int | None) -> Used:
    """Return the points that a member has set on checkouts, whether they became orders or wait.

    Points that came back by themselves (cleared, lapsed) do not count. ``besides`` is a hold to
    leave out. The caller holds the account's lock.
    """
    holds = Hold.objects.filter(account=account, state__in=COUNTED_HOLDS).exclude(pk=besides)
    return _used(holds, "points", "placed_at", at, tz)


def granted_by(program: Program, actor_ref: str, span: Span) -> int:
    """Return the points that a member of staff or an app has granted in the program.

    Of staff also those of the events that they told of, whatever was taken back since.
    """
    granted = Entry.objects.filter(
        book=Book.ISSUANCE,
        transaction__program=program,
        transaction__kind=TransactionKind.GRANT,
        transaction__actor_ref=actor_ref,
        transaction__recorded_at__gte=span[0],
        transaction__recorded_at__lt=span[1],
    )
    points = -(granted.aggregate(points=Sum("points"))["points"] or 0)
    if not actor_ref.startswith(STAFF):
        return points
    told = MemberEvent.objects.filter(
        _within("recorded_at", span),
        account__program=program,
        actor_ref=actor_ref,
        actor_ref__startswith=STAFF,  # as the index says
    )
    return points + (told.aggregate(points=Sum("points"))["points"] or 0)


def _used(rows: QuerySet, points: str | Least, when: str, at: dt.datetime, tz: str) -> Used:
    sums = rows.aggregate(
        in_day=Sum(points, filter=_within(when, day_of(at, tz))),
        in_month=Sum(points, filter=_within(when, month_of(at, tz))),
        ever=Sum(points),
    )
    return Used(**{key: total or 0 for key, total in sums.items()})


def _within(column: str, span: Span) -> Q:
    return Q(**{f"{column}__gte": span[0], f"{column}__lt": span[1]})
