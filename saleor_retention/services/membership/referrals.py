"""Referrals: a member's code, a new customer who claims it, and the reward of both.

Nothing is decided at a checkout. ``advance_due``, a periodic task, books both rewards as pending
once the friend's first order is paid, and makes them available when its return window is over and
the order, read afresh, is kept; an order that came back before takes both rewards along. Until then
nobody can spend them, so that taking them back never leaves anybody owing points.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.caps import month_of
from saleor_retention.engine.engagement import is_same_mailbox
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    Lot,
    OrderRecord,
    Program,
    Referral,
    ReferralCode,
    ReferralReason,
    ReferralState,
)
from saleor_retention.selectors import persons, receipts
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import lots, posting
from saleor_retention.services.ledger.locking import lock_account, lock_accounts, run_serialized
from saleor_retention.services.membership import rewards
from saleor_retention.services.membership.members import member_of
from saleor_retention.services.ordering import settling
from saleor_retention.services.ordering.looking_up import count_lookup
from saleor_retention.services.setting_up.auditing import note_down

ALPHABET = "34679ACDEFGHJKMNPRTVWXY"
"""Characters of codes, none of which is taken for another."""

CODE_LENGTH = 8
CODE_ATTEMPTS_MAX = 5
BOOKED = (ReferralState.PENDING, ReferralState.REWARDED)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two who are rewarded."""

    name: str  # "advocate" or "friend"
    account: Account
    points: int
    lot_id: int | None

    @property
    def rule_key(self) -> str:
        return f"referral:{self.name}"


# --- the code -------------------------------------------------------------------------------------


def code_of(
    account: Account,
    *,
    is_renewed: bool = False,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> ReferralCode:
    """Return the member's code, made now where there is none.

    ``is_renewed`` replaces it, so that one that went astray refers nobody any more. Locks the
    account. Refusals: NOT_A_MEMBER, NOT_SUPPORTED (the program rewards no referrals).
    ``actor_ref`` names staff who ask for it, and is "" where the member does.
    """
    at = now or timezone.now()

    def work() -> ReferralCode:
        locked = lock_account(account.pk)
        _require_rewarding(locked.program)
        if locked.state != AccountState.MEMBER:
            raise Refusal(Code.NOT_A_MEMBER, phrase(_("Only present members refer friends.")))
        known = ReferralCode.objects.filter(account=locked).first()
        if known is not None and not is_renewed:
            return known
        if actor_ref:
            change = "the code is made" if known is None else "the code is renewed"
            action = AuditAction.REFERRAL_CODE
            note_down(action, actor_ref=actor_ref, at=at, account=locked, changes=[change])
        return _made(locked, at)

    return run_serialized(work)


def _made(account: Account, at: dt.datetime) -> ReferralCode:
    for _attempt in range(CODE_ATTEMPTS_MAX):
        drawn = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        try:
            with transaction.atomic():
                made, _is_new = ReferralCode.objects.update_or_create(
                    account=account, defaults={"code": drawn, "made_at": at}
                )
        except IntegrityError:  # somebody else's: draw again
            continue
        return made
    raise RuntimeError("No free referral code was found.")


# --- claiming -------------------------------------------------------------------------------------


def claim(
    *, program: Program, user_ref: str, code: str, now: dt.datetime | None = None
) -> Referral:
    """Note that a new customer was referred by the member of this code, before any order.

    Claimed before by the same code's member: returns that referral. Wrong codes are counted as
    look-ups. Locks the friend's account. Refusals: NOT_SUPPORTED (the program rewards no
    referrals), NOT_FOUND (no member's code), TOO_MANY_REQUESTS, NOT_A_MEMBER, UNIQUE (was referred
    by another member), INVALID (has ordered before; is the member himself, by user, mailbox,
    phone number or address).
    """
    at = now or timezone.now()
    _require_rewarding(program)
    advocate = _advocate(program, code)
    if advocate is None:
        _count_wrong(user_ref, at)
        raise Refusal(Code.NOT_FOUND, phrase(_("No member has this code.")), "code")

    def work() -> Referral:
        friend = member_of(program, user_ref, now=at)
        if friend is None or friend.state != AccountState.MEMBER:
            message = phrase(_('You are not a member of "%(program)s".'), program=program.name)
            raise Refusal(Code.NOT_A_MEMBER, message)
        locked = lock_account(friend.pk)
        known = Referral.objects.filter(friend=locked).first()
        if known is not None:
            if known.advocate_id == advocate.pk:
                return known
            message = phrase(_("You were referred by another member already."))
            raise Refusal(Code.UNIQUE, message, "code")
        _require_new(locked)
        if _is_same_person(advocate, locked):
            raise Refusal(Code.INVALID, phrase(_("You cannot refer yourself.")), "code")
        if Referral.objects.filter(friend=advocate, advocate=locked).exists():
            raise Refusal(Code.INVALID, phrase(_("Two members cannot refer each other.")), "code")
        return Referral.objects.create(
            advocate=advocate, friend=locked, version_id=program.current_version_id, claimed_at=at
        )

    return run_serialized(work)


def _count_wrong(user_ref: str, at: dt.datetime) -> None:
    """Count a wrong code as a look-up, so that trying them out ends before one is found."""
    try:
        count_lookup(f"user:{user_ref}", at)
    except Refusal as refusal:
        message = phrase(_("Too many wrong codes were tried; try again later."))
        raise Refusal(refusal.code, message, "code") from refusal


def _require_rewarding(program: Program) -> None:
    if not program.is_active or not rules_of(program.current_version_id).referral.is_on:
        message = phrase(_('"%(program)s" does not reward referrals.'), program=program.name)
        raise Refusal(Code.NOT_SUPPORTED, message)


def _advocate(program: Program, code: str) -> Account | None:
    typed = "".join(code.split()).upper()
    found = ReferralCode.objects.select_related("account").filter(
        code=typed, account__program=program, account__state=AccountState.MEMBER
    )
    row = found.first()
    return None if row is None else row.account


def _require_new(friend: Account) -> None:
    """Refuse who has ordered, here or before the program, as a customer or as a guest."""
    user_ref = str(friend.user_id)
    his = persons.account_ids(persons.of_user(user_ref)) + persons.same_person(friend.pk)
    if OrderRecord.objects.filter(account__in=his).exists() or host.current().has_ordered(user_ref):
        message = phrase(_("Only customers who have not ordered yet can be referred."))
        raise Refusal(Code.INVALID, message, "code")


def _is_same_person(advocate: Account, friend: Account) -> bool:
    """Tell whether both are one person as far as is known: two who share a home count as one.

    One statement for each kind of fact.
    """
    if advocate.pk == friend.pk or None in (advocate.user_id, friend.user_id):
        return advocate.pk == friend.pk
    if advocate.pk in persons.same_person(friend.pk):
        return True
    one, other = str(advocate.user_id), str(friend.user_id)
    shop = host.current()
    users = shop.users([one, other])
    if one in users and other in users and is_same_mailbox(users[one].email, users[other].email):
        return True
    places = shop.places_of([one, other])
    return not places.get(one, frozenset()).isdisjoint(places.get(other, frozenset()))


# --- rewarding ------------------------------------------------------------------------------------


def advance_due(now: dt.datetime | None = None, limit: int = 100) -> int:
    """Take up to ``limit`` referrals a step on; return how many were.

    Books rewards whose order is there, takes back those whose order came back, and makes available
    those whose window is over. One whose member is busy is left to the next run. Safe to run twice
    and at the same time.
    """
    at = now or timezone.now()
    ids = list(_due(at).order_by("pk").values_list("pk", flat=True)[:limit])
    return sum(_advanced(referral_id, at) for referral_id in ids)


def _due(at: dt.datetime) -> QuerySet:
    counted = OrderRecord.objects.filter(
        account=OuterRef("friend"), is_counted=True, paid_at__isnull=False
    )
    gone = OrderRecord.objects.filter(order_ref=OuterRef("order_ref"), is_counted=False)
    return Referral.objects.filter(
        Q(Exists(counted), state=ReferralState.CLAIMED)
        | Q(state=ReferralState.PENDING, due_at__lte=at)
        | Q(Exists(gone), state=ReferralState.PENDING)
    )


def _advanced(referral_id: int, at: dt.datetime) -> bool:
    referral = Referral.objects.get(pk=referral_id)
    try:
        if referral.state == ReferralState.PENDING and not _is_receipt(referral):
            settling.settle(order_ref=referral.order_ref, now=at)
        return run_serialized(lambda: _advance(referral_id, at))
    except Refusal as refusal:
        if refusal.code is Code.BUSY:
            return False
        raise


def _is_receipt(referral: Referral) -> bool:
    """Tell whether the order is a till's, which was settled with the last that was heard of it."""
    return bool(referral.order_ref.startswith(receipts.PREFIX))


def _advance(referral_id: int, at: dt.datetime) -> bool:
    ids = Referral.objects.filter(pk=referral_id).values_list("advocate_id", "friend_id").get()
    accounts = lock_accounts(ids)
    referral = Referral.objects.get(pk=referral_id)
    advocate, friend = accounts[ids[0]], accounts[ids[1]]
    rules = rules_of(referral.version_id)
    if referral.state == ReferralState.CLAIMED:
        return _book(referral, advocate, friend, rules, at)
    if referral.state != ReferralState.PENDING:
        return False
    sides = (
        _Side("advocate", advocate, referral.advocate_points, referral.advocate_lot_id),
        _Side("friend", friend, referral.friend_points, referral.friend_lot_id),
    )
    if not OrderRecord.objects.filter(order_ref=referral.order_ref, is_counted=True).exists():
        for side in sides:
            _take_back(referral, side, rules, at)
        _end(referral, ReferralState.VOID, ReferralReason.RETURNED, at)
        return True
    if referral.due_at is None or referral.due_at > at:
        return False
    for side in sides:
        _release(side, rules, at)
    _end(referral, ReferralState.REWARDED, "", at)
    return True


def _book(
    referral: Referral, advocate: Account, friend: Account, rules: ProgramRules, at: dt.datetime
) -> bool:
    """Book both rewards as pending for the friend's first order; False while there is none."""
    first = (
        OrderRecord.objects.filter(account=friend, is_counted=True, paid_at__isnull=False)
        .order_by("paid_at", "pk")
        .first()
    )
    if first is None:
        return False
    if friend.state != AccountState.MEMBER:
        _end(referral, ReferralState.VOID, ReferralReason.LEFT, at)
        return True
    if _is_same_person(advocate, friend):  # the order may have told an address
        _end(referral, ReferralState.VOID, ReferralReason.SAME_PERSON, at)
        return True
    referral.advocate_points = _advocate_points(advocate, rules, at)
    referral.friend_points = rules.referral.friend_points
    referral.order_ref = first.order_ref
    referral.booked_at = at
    referral.due_at = first.paid_at + dt.timedelta(days=rules.referral.window_days)
    referral.state = ReferralState.PENDING
    for side in (
        _Side("advocate", advocate, referral.advocate_points, None),
        _Side("friend", friend, referral.friend_points, None),
    ):
        if side.points:
            setattr(referral, f"{side.name}_lot_id", _give(referral, side, rules, at))
    referral.save()
    return True


def _advocate_points(advocate: Account, rules: ProgramRules, at: dt.datetime) -> int:
    """Return what the advocate gets: nothing beyond the month's limit, or once not a member."""
    limit = rules.referral.per_month_max
    if advocate.state != AccountState.MEMBER:
        return 0
    if limit is not None:
        start_at, end_at = month_of(at, rules.time_zone)
        rewarded = Referral.objects.filter(
            advocate=advocate,
            booked_at__gte=start_at,
            booked_at__lt=end_at,
            advocate_points__gt=0,
            state__in=BOOKED,
        )
        if rewarded.count() >= limit:
            return 0
    return rules.referral.advocate_points


def _give(referral: Referral, side: _Side, rules: ProgramRules, at: dt.datetime) -> int:
    return rewards.give(
        side.account,
        side.points,
        rules,
        key=f"referral:{referral.pk}:{side.name}",
        rule_key=side.rule_key,
        cause="",
        version_id=referral.version_id,
        valid_from=None,
        now=at,
    )


def _take_back(referral: Referral, side: _Side, rules: ProgramRules, at: dt.datetime) -> None:
    if side.lot_id is None:
        return
    rewards.take_back(
        side.account,
        side.lot_id,
        side.points,
        rules,
        key=f"referral:{referral.pk}:{side.name}:void",
        rule_key=side.rule_key,
        cause="referral",
        version_id=referral.version_id,
        now=at,
    )


def _release(side: _Side, rules: ProgramRules, at: dt.datetime) -> None:
    """Let the points become available now; their life counts from here."""
    if side.lot_id is None or side.account.state == AccountState.ERASED:
        return
    lots.set_validity(Lot.objects.get(pk=side.lot_id), rules, at)
    posting.catch_up(side.account, at)


def _end(referral: Referral, state: str, reason: str, at: dt.datetime) -> None:
    referral.state, referral.reason, referral.ended_at = state, reason, at
    referral.save(update_fields=["state", "reason", "ended_at"])
