"""Consents: given, confirmed and withdrawn, and the list of addresses that nothing is sent to.

Every answer is one more entry of an append-only log; the latest of a channel and purpose holds.
Nothing here follows from a purchase: only somebody's own answer to the question, or what staff
write down of it, is a consent. A withdrawal takes no login (``unsubscribe``), waits for no lock
and holds at once; it also survives the customer, as a keyed hash of the address.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.questions import ConsentChannel, ConsentQuestion
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    ConsentEntry,
    ConsentSource,
    ConsentState,
    Program,
    Suppression,
    SuppressionReason,
)
from saleor_retention.selectors.consents import (
    Refused,
    Sendable,
    is_suppressed,
    latest,
    may_send,
    may_send_to,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.consenting import consent_links
from saleor_retention.services.consenting.waking import wake
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.membership.identity import email_hash, email_hashes
from saleor_retention.services.membership.profiles import profile_of
from saleor_retention.services.setting_up.auditing import note_down

__all__ = [
    "Refused",
    "Sendable",
    "confirm",
    "give",
    "is_suppressed",
    "may_send",
    "may_send_to",
    "profile_of",
    "suppress",
    "unsubscribe",
    "withdraw",
]

OF_PEOPLE = (AccountState.MEMBER, AccountState.LEFT)
"""Accounts of customers who can be asked; leaving a program is no withdrawal of a consent."""


def give(
    account: Account,
    *,
    channel: str,
    purpose: str,
    text_version: str,
    source: ConsentSource = ConsentSource.STOREFRONT,
    actor_ref: str = "",
    order_ref: str = "",
    now: dt.datetime | None = None,
) -> ConsentEntry:
    """Write down that a customer agrees, and return the entry that holds.

    Where the question asks for a double opt-in it is a request, mailed after commit, and counts
    when its link is followed. Given already in the same words: nothing is written. A request that
    was mailed a moment ago is not mailed again. Locks the account. Refusals: NOT_A_MEMBER,
    NOT_FOUND (no such question), INVALID (other words than those asked now).
    """
    at = now or timezone.now()

    def work() -> ConsentEntry:
        locked = lock_account(account.pk)
        _require_somebody(locked)
        question = _question(locked.program, channel, purpose)
        if text_version != question.version:
            message = phrase(
                _("The words of this consent have changed; show those of version %(version)s."),
                version=question.version,
            )
            raise Refusal(Code.INVALID, message, "textVersion")
        before = latest(locked.pk, channel, purpose)
        if before is not None and _says_the_same(before, question, at):
            return before
        state = ConsentState.REQUESTED if question.is_double else ConsentState.GIVEN
        entry = ConsentEntry.objects.create(
            account=locked,
            channel=channel,
            purpose=purpose,
            state=state,
            source=source,
            at=at,
            text_version=text_version,
            version_id=locked.program.current_version_id,
            order_ref=order_ref,
            actor_ref=actor_ref,
        )
        _note_down(AuditAction.CONSENT_GIVE, locked, entry)
        if question.is_double:
            host.current().dispatch("consent_requested", entry.pk)
        else:
            _lift(locked, entry)
            wake(entry)
        _let_segments_follow(locked, channel)
        return entry

    return run_serialized(work)


def withdraw(
    account: Account,
    *,
    channel: str,
    purpose: str,
    source: ConsentSource = ConsentSource.STOREFRONT,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> ConsentEntry:
    """Write down that a customer does not agree (any more), and return the entry that holds.

    It need not have been given before. Withdrawn already: nothing is written. Locks the account.
    Refusals: NOT_A_MEMBER, NOT_FOUND (never asked, and no question now).
    """
    at = now or timezone.now()

    def work() -> ConsentEntry:
        locked = lock_account(account.pk)
        _require_somebody(locked)
        before = latest(locked.pk, channel, purpose)
        if before is None:
            _question(locked.program, channel, purpose)
        elif before.state == ConsentState.WITHDRAWN:
            return before
        entry = _withdrawn(locked.pk, channel, purpose, source, at, actor_ref)
        _note_down(AuditAction.CONSENT_WITHDRAW, locked, entry)
        _let_segments_follow(locked, channel)
        return entry

    return run_serialized(work)


def _let_segments_follow(account: Account, channel: str) -> None:
    """Have the customer asked about anew, after commit: by profiling, rules find him or not."""
    if channel == ConsentChannel.PROFILING:
        host.current().dispatch("refresh_customers", account.program_id, [account.pk])


def _note_down(action: AuditAction, account: Account, entry: ConsentEntry) -> None:
    """Add to the audit trail what staff wrote down; what customers say themselves is no entry."""
    if entry.actor_ref:
        change = f"{entry.channel} for {entry.purpose} is {entry.state}"
        note_down(action, actor_ref=entry.actor_ref, at=entry.at, account=account, changes=[change])


def confirm(token: str, *, now: dt.datetime | None = None) -> ConsentEntry:
    """Turn a request into a consent, by the token of its mail; return the consent.

    Followed again, it answers the same. Locks the account. Refuses INVALID, with one message, a
    token that is none, is too old, was sent to another address, or whose request is not the
    latest word on it.
    """
    at = now or timezone.now()
    request_id = consent_links.request_in(token)
    request = ConsentEntry.objects.filter(pk=request_id, state=ConsentState.REQUESTED).first()
    if request is None or not consent_links.is_of(token, request):
        raise _invalid_link()

    def work() -> ConsentEntry:
        account = lock_account(request.account_id)
        last = latest(account.pk, request.channel, request.purpose)
        if last is not None and last.request_id == request.pk:
            return last
        lasts = dt.timedelta(hours=int(conf.get("CONSENT_CONFIRM_HOURS")))
        is_late = at > request.at + lasts
        if is_late or last != request or account.state not in OF_PEOPLE:
            raise _invalid_link()
        entry = ConsentEntry.objects.create(
            account=account,
            channel=request.channel,
            purpose=request.purpose,
            state=ConsentState.GIVEN,
            source=ConsentSource.CONFIRMATION,
            at=at,
            text_version=request.text_version,
            version_id=request.version_id,
            order_ref=request.order_ref,
            request=request,
        )
        _lift(account, request)
        wake(entry)
        return entry

    return run_serialized(work)


@transaction.atomic
def unsubscribe(link: consent_links.Unsubscription, *, now: dt.datetime | None = None) -> None:
    """Send nothing more of a purpose to an address, and withdraw the consent of its account.

    Safe to repeat, and right for a customer who is gone: the address is on the list all the same.
    Locks nothing that anybody else holds for long.
    """
    at = now or timezone.now()
    _put_on_list(link.address_hash, link.channel, link.purpose, SuppressionReason.UNSUBSCRIBED, at)
    account = Account.objects.filter(pk=link.account_id).first()
    if account is None:
        return
    before = latest(account.pk, link.channel, link.purpose)
    if before is not None and before.state != ConsentState.WITHDRAWN:
        source = ConsentSource.UNSUBSCRIBE
        _withdrawn(account.pk, link.channel, link.purpose, source, at)


def suppress(
    address: str,
    *,
    channel: str,
    purpose: str = "",
    reason: SuppressionReason,
    now: dt.datetime | None = None,
) -> None:
    """Send nothing more to an address, of a purpose or of all; what bounced or was complained of.

    Kept as a keyed hash. Safe to repeat. Refuses REQUIRED without an address.
    """
    hashed = email_hash(address)
    if not hashed:
        raise Refusal(Code.REQUIRED, "Which address is it?", "address")
    with transaction.atomic():
        _put_on_list(hashed, channel, purpose, reason, now or timezone.now())


def _put_on_list(
    hashed: str, channel: str, purpose: str, reason: SuppressionReason, at: dt.datetime
) -> None:
    row, is_new = Suppression.objects.get_or_create(
        address_hash=hashed,
        channel=channel,
        purpose=purpose,
        defaults={"reason": reason, "at": at},
    )
    if is_new:
        return
    changes: dict[str, object] = {"at": at}
    if row.reason == SuppressionReason.UNSUBSCRIBED:
        changes["reason"] = reason  # what no consent lifts goes before what one does
    Suppression.objects.filter(pk=row.pk).update(**changes)


def _lift(account: Account, answer: ConsentEntry) -> None:
    """Take the customer's address off the list where it was put on it before this answer.

    Only what the customer asked for, by the link in a message; and the address that is proven.
    """
    address = _proven_address(account, answer)
    if not address:
        return
    Suppression.objects.filter(
        address_hash__in=email_hashes(address),
        channel=answer.channel,
        purpose=answer.purpose,
        reason=SuppressionReason.UNSUBSCRIBED,
        at__lt=answer.at,
    ).delete()


def _proven_address(account: Account, answer: ConsentEntry) -> str:
    """Return the confirmed e-mail address, or the number of who ended its messages before; or "".

    Nobody confirms a number, so that a stranger who types it lifts nothing.
    """
    if account.user_id is None:
        return ""
    ref = str(account.user_id)
    if answer.channel == ConsentChannel.EMAIL:
        user = host.current().users([ref]).get(ref)
        return user.email if user is not None and user.is_confirmed else ""
    if answer.channel != ConsentChannel.SMS:
        return ""
    has_ended_it = ConsentEntry.objects.filter(
        account=account,
        channel=answer.channel,
        purpose=answer.purpose,
        state=ConsentState.WITHDRAWN,
        pk__lt=answer.pk,
    ).exists()
    return host.current().phones_of([ref]).get(ref, "") if has_ended_it else ""


def _withdrawn(
    account_id: int,
    channel: str,
    purpose: str,
    source: ConsentSource,
    at: dt.datetime,
    actor_ref: str = "",
) -> ConsentEntry:
    return ConsentEntry.objects.create(
        account_id=account_id,
        channel=channel,
        purpose=purpose,
        state=ConsentState.WITHDRAWN,
        source=source,
        at=at,
        actor_ref=actor_ref,
    )


def _says_the_same(before: ConsentEntry, question: ConsentQuestion, at: dt.datetime) -> bool:
    if before.text_version != question.version:
        return False
    if before.state == ConsentState.GIVEN:
        return True
    pause = dt.timedelta(minutes=int(conf.get("CONSENT_RESEND_MINUTES")))
    return before.state == ConsentState.REQUESTED and at < before.at + pause


def _question(program: Program, channel: str, purpose: str) -> ConsentQuestion:
    version_id = program.current_version_id
    question = None
    if version_id is not None:
        question = rules_of(version_id).questions.consent(channel, purpose)
    if question is None:
        message = phrase(_("This program does not ask for such a consent."))
        raise Refusal(Code.NOT_FOUND, message, "purpose")
    return question


def _require_somebody(account: Account) -> None:
    if account.state not in OF_PEOPLE or account.user_id is None:
        message = phrase(
            _('This customer is not a member of "%(program)s".'), program=account.program.name
        )
        raise Refusal(Code.NOT_A_MEMBER, message)


def _invalid_link() -> Refusal:
    message = phrase(_("This link is not valid (any more). Ask for a new one."))
    return Refusal(Code.INVALID, message, "token")
