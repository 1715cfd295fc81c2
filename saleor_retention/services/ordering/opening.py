"""The first sight of an order: who bought it, and the terms that are frozen on it.

Whenever the first event arrives, what is written down is what held when the order was created:
version and tier, and whether the buyer was a member who earns.
"""

from __future__ import annotations

import datetime as dt

from saleor_retention.engine.accrual import EarnTerms, earn
from saleor_retention.engine.facts import OrderFacts
from saleor_retention.engine.quote import TIER_RULE
from saleor_retention.engine.quote_payload import allocations_of
from saleor_retention.engine.rules import Enrolment
from saleor_retention.models import (
    Account,
    AccountState,
    Hold,
    HoldState,
    OrderRecord,
    Program,
    ProgramVersion,
    StoredQuote,
)
from saleor_retention.selectors.programs import active_place, rules_of
from saleor_retention.selectors.terms import tier_at, version_at
from saleor_retention.services.ledger.locking import lock_account
from saleor_retention.services.membership import members


def locked_record(order_ref: str) -> OrderRecord | None:
    """Lock the account that an order belongs to and return the order's record, read after that."""
    account_id = (
        OrderRecord.objects.filter(order_ref=order_ref).values_list("account_id", flat=True).first()
    )
    if account_id is None:
        return None
    while True:
        account = lock_account(account_id)
        record = OrderRecord.objects.get(order_ref=order_ref)
        if record.account_id == account_id:
            record.account = account
            return record
        account_id = record.account_id  # claimed by its member while we waited


def open_record(facts: OrderFacts, account_id: int | None, now: dt.datetime) -> OrderRecord | None:
    """Write an order down with the terms of its creation, under its buyer's lock.

    None where no program or no member is concerned. Where another event has done so in the
    meantime, that record is returned (it is settled already).
    """
    quote = _quote_of(facts)
    account = _locked_buyer(facts, quote, account_id, now)
    if account is None:
        return None
    record = _drafted(account, facts, quote)
    OrderRecord.objects.bulk_create([record], ignore_conflicts=True)
    if quote is not None and quote.order_ref != facts.ref:
        StoredQuote.objects.filter(pk=quote.pk).update(order_ref=facts.ref)
    return _locked_record_of(account, facts.ref)


def _locked_record_of(account: Account, order_ref: str) -> OrderRecord | None:
    record = OrderRecord.objects.get(order_ref=order_ref)
    if record.account_id != account.pk:
        return locked_record(order_ref)
    record.account = account
    return record


def _drafted(account: Account, facts: OrderFacts, quote: StoredQuote | None) -> OrderRecord:
    version = quote.version if quote is not None else None
    if version is None or version.program_id != account.program_id:
        version = version_at(account.program, facts.created_at)
    record = OrderRecord(
        order_ref=facts.ref,
        number=facts.number,
        checkout_ref=facts.checkout_ref or "",
        program_id=account.program_id,
        account=account,
        version=version,
        tier=_tier_of(account, quote, facts),
        channel_ref=facts.channel_ref,
        currency=facts.currency,
        created_at=facts.created_at,
        may_earn=_may_earn(account, version, facts),
        tier_minor=0 if quote is None else _off_by_tier(quote),
    )
    if record.may_earn:
        terms = EarnTerms(rules_of(version.pk), record.tier or None)
        record.quoted = earn(facts, terms).points
    return record


def _off_by_tier(quote: StoredQuote) -> int:
    """Return what the tier's own prices took off; the quote itself is forgotten some day."""
    return sum(
        item.amount_minor
        for item in allocations_of(quote.payload)
        if item.rule_key.startswith(TIER_RULE)
    )


def _locked_buyer(
    facts: OrderFacts, quote: StoredQuote | None, account_id: int | None, now: dt.datetime
) -> Account | None:
    if account_id is not None:
        return lock_account(account_id)
    program = _program_of(facts, quote)
    if program is None:
        return None
    while True:
        buyer = _buyer(program, facts, now)
        if buyer is None:
            return None
        account = lock_account(buyer.pk)
        if account.state != AccountState.MERGED:
            return account  # else a guest's, claimed while we waited: nobody claims from it again


def _program_of(facts: OrderFacts, quote: StoredQuote | None) -> Program | None:
    if quote is not None and quote.version is not None:
        return quote.version.program
    place = active_place(facts.channel_ref)
    if place is None or facts.created_at < place.began_at:
        return None  # an order of the time before the program earns nothing, whatever happens to it
    return place.program


def _buyer(program: Program, facts: OrderFacts, now: dt.datetime) -> Account | None:
    if facts.user_ref is not None and facts.is_user_confirmed:
        return members.member_of(program, facts.user_ref, now=now)
    if facts.checkout_ref:
        # Points set aside by a customer whom the order has lost since: it is still paid with them.
        hold = Hold.objects.select_related("account").filter(
            checkout_ref=facts.checkout_ref, state=HoldState.PLACED, account__program=program
        )
        holder = hold.first()
        if holder is not None:
            return holder.account
    if rules_of(_current(program)).enrolment is Enrolment.OPT_IN:
        return None
    return members.shadow_of(program, facts.email, now=now)


def _may_earn(account: Account, version: ProgramVersion, facts: OrderFacts) -> bool:
    """Tell whether the buyer was a member who earns when the order was created."""
    if account.left_at is not None and account.left_at <= facts.created_at:
        return False
    if rules_of(version.pk).enrolment is Enrolment.OPT_IN:
        return account.joined_at <= facts.created_at
    return True


def _tier_of(account: Account, quote: StoredQuote | None, facts: OrderFacts) -> str:
    if account.state != AccountState.MEMBER:
        return ""
    if quote is not None and quote.account_id == account.pk:
        return quote.tier
    return tier_at(account, facts.created_at)


def _quote_of(facts: OrderFacts) -> StoredQuote | None:
    """Return the price that the order's checkout had, with the version that made it."""
    if not facts.checkout_ref:
        return None
    quotes = StoredQuote.objects.select_related("version__program").defer("version__document")
    return quotes.filter(checkout_ref=facts.checkout_ref).first()


def _current(program: Program) -> int:
    if program.current_version_id is None:
        raise ValueError(f"Program {program.slug} has no version.")
    return program.current_version_id
