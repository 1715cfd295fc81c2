"""Who has an account: members, guests' shadow accounts, and the claiming of a guest's orders.

Whether every confirmed customer is a member or only those who enrol is a setting of the program.
Accounts are opened at first sight, so that nothing has to be there when a program starts.
"""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.rules import Enrolment, ProgramRules
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import UserFacts
from saleor_retention.models import (
    Account,
    AccountState,
    Book,
    Lot,
    OrderRecord,
    Program,
    TransactionKind,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger import lots, posting
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.ledger.posting import Leg
from saleor_retention.services.membership import addresses, tiering
from saleor_retention.services.membership.identity import (
    email_hash,
    email_hashes,
    new_member_number,
)

NUMBER_ATTEMPTS_MAX = 5
SHADOW_ATTEMPTS_MAX = 5


def member_of(program: Program, user_ref: str, *, now: dt.datetime | None = None) -> Account | None:
    """Return the user's account in the program, opened now where every customer has one.

    Also the account of one who left, who keeps points to spend. None for a user who is unknown,
    not confirmed, or has not enrolled where that is asked. A new account gets the welcome points
    once (key ``welcome:<account>``), unless another account has had its address. Locks the account
    only when it opens it.
    """
    account = _account_of(program, user_ref)
    if account is not None:
        return account
    rules = _rules(program)
    if not program.is_active or rules.enrolment is not Enrolment.EVERY_CUSTOMER:
        return None
    user = _confirmed(user_ref)
    if user is None:
        return None
    joined_at = max(user.joined_at, program.created_at)
    return run_serialized(lambda: _open(program, rules, user_ref, joined_at, now or timezone.now()))


def enrol(program: Program, user_ref: str, *, now: dt.datetime | None = None) -> Account:
    """Make the user a member from now on, or again after leaving; welcome points come once.

    Locks the account. Refusals: PROGRAM_INACTIVE, NOT_FOUND (no user who may be a member),
    ALREADY_A_MEMBER.
    """
    at = now or timezone.now()
    if not program.is_active:
        closed = phrase(_('The program "%(program)s" is not active.'), program=program.name)
        raise Refusal(Code.PROGRAM_INACTIVE, closed)
    if _confirmed(user_ref) is None:
        message = phrase(_("Only a customer with a confirmed address can be a member."))
        raise Refusal(Code.NOT_FOUND, message, "user")
    rules = _rules(program)
    return run_serialized(lambda: _enrol(program, rules, user_ref, at))


def leave(program: Program, user_ref: str, *, now: dt.datetime | None = None) -> Account:
    """End the membership: points stay to be spent, later orders earn nothing.

    Locks the account. Refuses NOT_A_MEMBER.
    """
    at = now or timezone.now()

    def work() -> Account:
        account = _account_of(program, user_ref)
        if account is None or account.state != AccountState.MEMBER:
            message = phrase(
                _('This customer is not a member of "%(program)s".'), program=program.name
            )
            raise Refusal(Code.NOT_A_MEMBER, message)
        account = lock_account(account.pk)
        account.state = AccountState.LEFT
        account.left_at = at
        account.save(update_fields=["state", "left_at"])
        return account

    return run_serialized(work)


def shadow_of(program: Program, email: str, *, now: dt.datetime | None = None) -> Account | None:
    """Return the account that a guest's orders earn on, opened at the first order.

    Known by the keyed hash of the e-mail only, under any key that is still configured. Its points
    stay pending until Saleor attaches the orders to a confirmed user. None without an address.
    """
    hashes = email_hashes(email)
    if not hashes:
        return None
    shadows = Account.objects.filter(
        program=program, state=AccountState.SHADOW, email_hash__in=hashes
    )
    at = now or timezone.now()
    for _attempt in range(SHADOW_ATTEMPTS_MAX):
        shadow = shadows.order_by("id").first()
        if shadow is not None:
            return shadow
        made = Account(
            program=program,
            state=AccountState.SHADOW,
            email_hash=email_hash(email),
            joined_at=at,
            last_activity_at=at,
        )
        _insert(made)  # not where another's is met, which may be claimed before we look again
    raise RuntimeError("No account was found for a guest.")


def claim_shadow(
    *,
    shadow: Account,
    member: Account,
    record: OrderRecord,
    rules: ProgramRules,
    valid_from: dt.datetime | None,
    now: dt.datetime,
) -> int:
    """Move one order's points from a guest's account to the member it belongs to; return how many.

    The caller holds both locks (the shadow's first). Points become available at ``valid_from``, and
    not before now; their life counts from then. The shadow is merged with its last order.
    """
    if member.deficit:
        posting.catch_up(member, now)  # what matured before repays first
    moved = 0
    of_order = Lot.objects.filter(account=shadow, order_ref=record.order_ref, remaining__gt=0)
    for lot in of_order.order_by("pk"):
        _move(lot, shadow, member, record, rules, valid_from, now)
        moved += lot.remaining
    record.account = member
    record.save(update_fields=["account"])
    if not OrderRecord.objects.filter(account=shadow).exists():
        shadow.state = AccountState.MERGED
        shadow.save(update_fields=["state"])
    return moved


def _move(
    lot: Lot,
    shadow: Account,
    member: Account,
    record: OrderRecord,
    rules: ProgramRules,
    valid_from: dt.datetime | None,
    now: dt.datetime,
) -> None:
    starts_at = None if valid_from is None else max(valid_from, now)
    new = lots.opened(
        rules, opened_at=lot.opened_at, valid_from=starts_at, order_ref=record.order_ref
    )
    is_ripe = starts_at is not None and starts_at <= now
    incoming = (
        posting.credit(member, [(new, lot.remaining)])
        if is_ripe
        else [Leg(Book.PENDING, lot.remaining, new)]
    )
    outgoing = [Leg(Book.PENDING, -lot.remaining, lot), Leg(Book.ISSUANCE, lot.remaining)]
    sides = (
        (shadow, "out", outgoing),
        (member, "in", [Leg(Book.ISSUANCE, -lot.remaining), *incoming]),
    )
    for account, side, legs in sides:
        posting.post(
            account,
            kind=TransactionKind.MERGE,
            key=f"merge:{lot.pk}:{side}",
            legs=legs,
            effective_at=now,
            order_ref=record.order_ref,
            rule_key="base",
            cause="claim",
            version=record.version_id,
            now=now,
        )


def _enrol(program: Program, rules: ProgramRules, user_ref: str, now: dt.datetime) -> Account:
    existing = _account_of(program, user_ref)
    if existing is None:
        return _open(program, rules, user_ref, now, now)
    account = lock_account(existing.pk)
    if account.state != AccountState.LEFT:
        message = phrase(
            _('This customer is a member of "%(program)s" already.'), program=program.name
        )
        raise Refusal(Code.ALREADY_A_MEMBER, message)
    account.state = AccountState.MEMBER
    account.joined_at = now
    account.left_at = None
    account.save(update_fields=["state", "joined_at", "left_at"])
    addresses.note_account(account, now)
    return account


def _open(
    program: Program,
    rules: ProgramRules,
    user_ref: str,
    joined_at: dt.datetime,
    now: dt.datetime,
) -> Account:
    made = Account(
        program=program, user_id=int(user_ref), joined_at=joined_at, last_activity_at=joined_at
    )
    _insert(made)
    account = lock_account(Account.objects.get(program=program, user_id=int(user_ref)).pk)
    addresses.note_account(account, now)
    if rules.welcome_points and not persons.other_accounts(account.pk):
        _welcome(account, program, rules, now)
    tiering.begin(account, now)
    return account


def _welcome(account: Account, program: Program, rules: ProgramRules, now: dt.datetime) -> None:
    lot = lots.opened(rules, opened_at=now, valid_from=now)
    points = rules.welcome_points
    posting.post(
        account,
        kind=TransactionKind.BONUS,
        key=f"welcome:{account.pk}",
        legs=[Leg(Book.ISSUANCE, -points), *posting.credit(account, [(lot, points)])],
        content="welcome",
        effective_at=now,
        rule_key="welcome",
        version=program.current_version_id,
        now=now,
    )


def _insert(account: Account) -> None:
    """Insert an account unless there is one already; only the member number is drawn by lot."""
    for _attempt in range(NUMBER_ATTEMPTS_MAX):
        account.member_number = new_member_number()
        if Account.objects.filter(member_number=account.member_number).exists():
            continue
        Account.objects.bulk_create([account], ignore_conflicts=True)
        return
    raise RuntimeError("No free member number was found.")


def _account_of(program: Program, user_ref: str) -> Account | None:
    return Account.objects.filter(program=program, user_id=int(user_ref)).first()


def _confirmed(user_ref: str) -> UserFacts | None:
    user = host.current().users([user_ref]).get(user_ref)
    return user if user is not None and user.is_confirmed else None


def _rules(program: Program) -> ProgramRules:
    if program.current_version_id is None:
        raise ValueError(f"Program {program.slug} has no version.")
    return rules_of(program.current_version_id)
