"""Points given or taken by hand: goodwill and corrections, with a reason, an actor and a key."""

from __future__ import annotations

import datetime as dt
import hashlib

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine import lots as engine
from saleor_retention.engine.caps import day_of
from saleor_retention.engine.grants import Limit, Limits, limits_of
from saleor_retention.engine.lots import NotEnoughPoints
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, AccountState, AuditAction, Book, TransactionKind
from saleor_retention.selectors.caps import STAFF, granted_by
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import lots, posting
from saleor_retention.services.ledger.locking import lock_account, lock_name, run_serialized
from saleor_retention.services.ledger.posting import Leg, Posted
from saleor_retention.services.setting_up.auditing import note_down

REASON_LENGTH_MAX = 1000
KEY_LENGTH_MAX = 100


def grant(
    *,
    account_id: int,
    points: int,
    reason: str,
    actor_ref: str,
    key: str,
    now: dt.datetime | None = None,
) -> Posted:
    """Give a member points for a reason, in a lot of their own under the program's expiry.

    Locks the account. Idempotent by ``key`` (posted as ``grant:<key>``): a retry returns the first
    posting, other points or words under the same key are refused (KEY_REUSED). Refusals: INVALID
    (points are no positive whole number, text too long), REQUIRED (reason, key), NOT_FOUND,
    NOT_A_MEMBER, LIMIT_REACHED (more than the program lets the actor, by his permission groups,
    grant at once or in a day), IN_DEFICIT (the member owes points, and goodwill does not repay them
    in this program).
    """
    _require_whole(points)
    if points <= 0:
        raise Refusal(Code.INVALID, "Points to grant must be one or more.", "points")
    _require_words(reason, key)
    at = now or timezone.now()

    def work() -> Posted:
        account = lock_account(account_id)
        content = _content(points, reason)
        full_key = f"grant:{key.strip()}"
        existing = posting.find(account, kind=TransactionKind.GRANT, key=full_key, content=content)
        if existing is not None:
            return Posted(existing, is_new=False)
        rules = _rules(account)
        limits = _limits(rules, actor_ref)
        _require_grantable(account, points, rules, limits.at_once, at)
        _require_allowance(account, points, rules, limits.in_a_day, actor_ref, at)
        lot = lots.opened(rules, opened_at=at, valid_from=at)
        posted = posting.post(
            account,
            kind=TransactionKind.GRANT,
            key=full_key,
            legs=[Leg(Book.ISSUANCE, -points), *posting.credit(account, [(lot, points)])],
            content=content,
            effective_at=at,
            cause="staff",
            actor_ref=actor_ref,
            version=account.program.current_version_id,
            note=reason.strip(),
            now=at,
        )
        _note_down(AuditAction.POINTS_GRANT, account, posted, f"{points} points are granted")
        return posted

    return run_serialized(work)


def adjust(
    *,
    account_id: int,
    points: int,
    reason: str,
    actor_ref: str,
    key: str,
    now: dt.datetime | None = None,
) -> Posted:
    """Correct a member's points: down where ``points`` is negative, otherwise as ``grant``.

    Takes available points only, soonest expiry first. Locks the account. Idempotent by ``key``
    (posted as ``adjust:<key>``). Refusals as ``grant``, and NOT_ENOUGH_POINTS (names what is left).
    """
    _require_whole(points)
    if points == 0:
        raise Refusal(Code.INVALID, "Points to adjust by cannot be zero.", "points")
    if points > 0:
        return grant(
            account_id=account_id,
            points=points,
            reason=reason,
            actor_ref=actor_ref,
            key=key,
            now=now,
        )
    _require_words(reason, key)
    at = now or timezone.now()

    def work() -> Posted:
        account = lock_account(account_id)
        content = _content(points, reason)
        full_key = f"adjust:{key.strip()}"
        existing = posting.find(account, kind=TransactionKind.ADJUST, key=full_key, content=content)
        if existing is not None:
            return Posted(existing, is_new=False)
        posting.catch_up(account, at)
        posted = posting.post(
            account,
            kind=TransactionKind.ADJUST,
            key=full_key,
            legs=_legs_down(account, -points, at),
            content=content,
            effective_at=at,
            cause="staff",
            actor_ref=actor_ref,
            version=account.program.current_version_id,
            note=reason.strip(),
            now=at,
        )
        _note_down(AuditAction.POINTS_TAKE, account, posted, f"{-points} points are taken")
        return posted

    return run_serialized(work)


def require_staff_allowance(
    account: Account, points: int, rules: ProgramRules, actor_ref: str, at: dt.datetime
) -> None:
    """Refuse points that a member of staff brings a member otherwise, as if they were granted.

    So that nobody's limits can be got around by telling of what never happened. Apps, whose trade
    that is, and the plugin's own work have none here. The caller holds the account's lock. Refuses
    LIMIT_REACHED.
    """
    if points <= 0 or not actor_ref.startswith(STAFF):
        return
    limits = _limits(rules, actor_ref)
    _require_at_once(points, limits.at_once)
    _require_allowance(account, points, rules, limits.in_a_day, actor_ref, at)


def _note_down(action: AuditAction, account: Account, posted: Posted, change: str) -> None:
    """Add it to the audit trail, with the posting's own words."""
    booked = posted.transaction
    note_down(
        action,
        actor_ref=booked.actor_ref,
        at=booked.recorded_at,
        account=account,
        changes=[change],
        note=booked.note,
    )


def _legs_down(account: Account, points: int, at: dt.datetime) -> list[Leg]:
    held = {lot.pk: lot for lot in lots.with_points(account)}
    try:
        takes = engine.choose([lots.facts_of(lot) for lot in held.values()], points, at)
    except NotEnoughPoints as error:
        message = f"{points} points cannot be taken: {error.available} are available."
        raise Refusal(Code.NOT_ENOUGH_POINTS, message, "points") from error
    legs = []
    for take in takes:
        lot = held[take.lot_id]
        legs += [Leg(Book.AVAILABLE, -take.points, lot), Leg(Book.ADJUSTMENT, take.points, lot)]
    return legs


def _limits(rules: ProgramRules, actor_ref: str) -> Limits:
    """Return what an actor may grant; the shop is asked only where the program tells roles apart.

    Who is in which group may change while this runs: the limit is that of the moment it is read.
    """
    kind, _colon, ref = actor_ref.partition(":")
    if kind == "app" and rules.grant_apps:
        return limits_of(rules, app=host.current().app_name(ref))
    if kind == "user" and rules.grant_groups:
        return limits_of(rules, groups=host.current().group_names(ref))
    return limits_of(rules)


def _require_grantable(
    account: Account, points: int, rules: ProgramRules, limit: Limit, at: dt.datetime
) -> None:
    """Refuse what the program does not let staff give; catches up with time, which may repay."""
    if account.state != AccountState.MEMBER:
        message = "Points can be granted to present members only."
        raise Refusal(Code.NOT_A_MEMBER, message, "memberId")
    _require_at_once(points, limit)
    posting.catch_up(account, at)
    if account.deficit and not rules.goodwill_repays_deficit:
        message = (
            f"This member owes {account.deficit} points after a return, "
            "and granted points do not repay them in this program."
        )
        raise Refusal(Code.IN_DEFICIT, message, "points")


def _require_at_once(points: int, limit: Limit) -> None:
    if limit.points is not None and points > limit.points:
        message = f"At most {limit.points} points can be granted at once{_as(limit)}."
        raise Refusal(Code.LIMIT_REACHED, message, "points")


def _require_allowance(
    account: Account,
    points: int,
    rules: ProgramRules,
    limit: Limit,
    actor_ref: str,
    at: dt.datetime,
) -> None:
    """Refuse more than one actor may grant in a local day of the program.

    Commands and the plugin's own work have no actor and no such limit. Locks the actor's grants in
    the program, after the account and to the end of the transaction: two at once would both see
    what is left before the other.
    """
    if limit.points is None or not actor_ref:
        return
    lock_name(f"grants:{account.program_id}:{actor_ref}")
    left = limit.points - granted_by(account.program, actor_ref, day_of(at, rules.time_zone))
    if points > left:
        message = (
            f"You can grant {limit.points} points a day in this program{_as(limit)}: "
            f"{max(0, left)} are left."
        )
        raise Refusal(Code.LIMIT_REACHED, message, "points")


def _as(limit: Limit) -> str:
    """Name the role that a limit belongs to."""
    return f' as "{limit.name}"' if limit.name else ""


def _require_whole(points: int) -> None:
    if isinstance(points, bool) or not isinstance(points, int):
        raise Refusal(Code.INVALID, "Points must be a whole number.", "points")


def _require_words(reason: str, key: str) -> None:
    if not reason.strip():
        raise Refusal(Code.REQUIRED, "Say why, in a few words.", "reason")
    if len(reason) > REASON_LENGTH_MAX:
        message = f"A reason has {REASON_LENGTH_MAX} characters at most."
        raise Refusal(Code.INVALID, message, "reason")
    if not key.strip():
        message = "A key is needed, so that a repeated request grants once."
        raise Refusal(Code.REQUIRED, message, "key")
    if len(key) > KEY_LENGTH_MAX:
        raise Refusal(Code.INVALID, f"A key has {KEY_LENGTH_MAX} characters at most.", "key")


def _rules(account: Account) -> ProgramRules:
    return rules_of(account.program.current_version_id)


def _content(points: int, reason: str) -> str:
    """Return what makes two requests of one key the same; the words only as a digest."""
    return f"{points}|{hashlib.sha256(reason.strip().encode()).hexdigest()}"
