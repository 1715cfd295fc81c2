"""Sales at a point of sale: recorded and reversed once, in whatever order the messages arrive.

A receipt is an order whose facts we keep. Its row is locked first, then the member's account by
``settling``; nothing else locks receipts. Redelivery of the same content does nothing, and a
reversal that comes before its sale waits for it, so that the result is the same in any order.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.engine.goods import dump_goods
from saleor_retention.engine.money import to_minor
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import AuditAction, OrderRecord, PosSale, Program
from saleor_retention.selectors import receipts
from saleor_retention.selectors.programs import active_program, is_switched_on, rules_of
from saleor_retention.services.ledger.locking import run_serialized
from saleor_retention.services.membership.identity import digest_of, is_digest_of
from saleor_retention.services.ordering import settling
from saleor_retention.services.ordering.looking_up import count_lookup, member_by
from saleor_retention.services.ordering.pos_checks import Checks, MemberKey, SaleLine
from saleor_retention.services.setting_up.auditing import note_down

__all__ = ["MemberKey", "Recorded", "SaleLine", "record_sale", "reverse_sale"]

ERASED_CONTENT = ""
"""Of a receipt whose member was erased: the digest had the number, phone or address in it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A receipt and what it earned; the record is None while only a reversal has arrived."""

    sale: PosSale
    record: OrderRecord | None
    is_new: bool


def record_sale(
    *,
    source: str,
    receipt: str,
    channel: str,
    member: MemberKey,
    sold_at: dt.datetime,
    currency: str,
    lines: Sequence[SaleLine],
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Recorded:
    """Record a paid sale for a member and settle it under the rules of the time of sale.

    Idempotent by (source, receipt): the same content again returns the first record, other content
    is refused (KEY_REUSED). ``channel`` is a reference; the program active there decides. Locks
    the receipt and the member's account; before that the actor's look-up is counted, whatever
    becomes of the sale. Refusals: REQUIRED, INVALID, UNIQUE (everything that is wrong with the
    input at once), PROGRAM_INACTIVE, CURRENCY_WITHOUT_RATE, NOT_FOUND (nobody who is a member),
    TOO_MANY_REQUESTS (more look-ups than ``RETENTION_MEMBER_LOOKUPS_PER_HOUR``).
    """
    at = now or timezone.now()
    checks = Checks()
    checks.receipt(source, receipt)
    checks.member(member)
    checks.sold_at(sold_at, at)
    exponent = host.current().currency_exponent(currency)
    checks.lines(lines, exponent)
    checks.end()
    given = [source, receipt, channel, asdict(member), sold_at.isoformat(), currency]
    content = _text([*given, [asdict(line) for line in lines]])

    def record() -> Recorded:
        sale = _locked(source, receipt, at)
        if sale.document is not None:
            if sale.content_hash != ERASED_CONTENT and not is_digest_of(sale.content_hash, content):
                message = f"Receipt {receipt} of {source} was recorded with other content."
                raise Refusal(Code.KEY_REUSED, message, "receipt")
            return Recorded(sale, _record_of(sale), is_new=False)
        program = _program(channel, currency, sold_at)
        account = member_by(program, member, at)
        sale.program, sale.account = program, account
        sale.content_hash, sale.actor_ref = digest_of(content), actor_ref
        sale.document = {
            "channel": channel,
            "currency": currency,
            "sold_at": sold_at.isoformat(),
            "lines": _stored_lines(lines, exponent),
        }
        _judge_waiting(sale)
        sale.save()
        recorded = Recorded(sale, _settle(sale, at), is_new=True)
        _note_down(AuditAction.SALE_RECORD, recorded, actor_ref, at)
        return recorded

    if not _is_recorded(source, receipt):
        count_lookup(actor_ref, at)
    return run_serialized(record)


def reverse_sale(
    *,
    source: str,
    receipt: str,
    reversal_id: str,
    lines: Mapping[str, int] | None = None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Recorded:
    """Take units of a sale back, by line reference, or (None) all that is left of it.

    Cumulative over reversals and idempotent by ``reversal_id``; the same id with other lines is
    refused (KEY_REUSED). Before the sale has arrived the reversal waits for it. What the sale does
    not bear is refused: an unknown line (NOT_FOUND), more units than are left (INVALID); of a
    waiting reversal that is found out when the sale arrives, and it counts for nothing. Locks the
    receipt and the member's account.
    """
    at = now or timezone.now()
    checks = Checks()
    checks.receipt(source, receipt)
    checks.reversal(reversal_id, lines)
    checks.end()

    def reverse() -> Recorded:
        sale = _locked(source, receipt, at)
        known = sale.reversals.get(reversal_id)
        if known is not None:
            if known["lines"] != (None if lines is None else dict(lines)):
                message = f"Reversal {reversal_id} of receipt {receipt} took other lines back."
                raise Refusal(Code.KEY_REUSED, message, "reversalId")
            return Recorded(sale, _record_of(sale), is_new=False)
        if sale.document is not None:
            refusal = _refusal_of(sale, lines)
            if refusal is not None:
                raise refusal
        sale.reversals[reversal_id] = {
            "lines": None if lines is None else dict(lines),
            "position": len(sale.reversals),
            "actor_ref": actor_ref,
            "at": at.isoformat(),
            "is_refused": False,
        }
        sale.save()
        record = _settle(sale, at) if sale.document is not None else None
        recorded = Recorded(sale, record, is_new=True)
        _note_down(AuditAction.SALE_REVERSE, recorded, actor_ref, at, f"reversal {reversal_id}")
        return recorded

    return run_serialized(reverse)


def _note_down(
    action: AuditAction, recorded: Recorded, actor_ref: str, at: dt.datetime, *changes: str
) -> None:
    """Add it to the audit trail, with what the receipt's points are now."""
    sale, record = recorded.sale, recorded.record
    points = "waits for its sale"
    if record is not None:
        points = f"{record.earned} points earned, {record.clawed} taken back"
    note_down(
        action,
        actor_ref=actor_ref,
        at=at,
        account=sale.account,
        order_ref=receipts.order_ref_of(sale.source, sale.receipt),
        changes=[*changes, points],
    )


# --- the receipt ----------------------------------------------------------------------------------


def _locked(source: str, receipt: str, at: dt.datetime) -> PosSale:
    """Lock the receipt's row, which is made by whatever message comes first."""
    made = PosSale(source=source, receipt=receipt, recorded_at=at)
    PosSale.objects.bulk_create([made], ignore_conflicts=True)
    sale: PosSale = PosSale.objects.select_for_update().get(source=source, receipt=receipt)
    return sale


def _judge_waiting(sale: PosSale) -> None:
    """Mark the reversals that came before the sale and that it does not bear, as they arrived."""
    waiting = receipts.in_order(sale.reversals)
    for reversal in waiting:
        reversal["is_refused"] = True
    for reversal in waiting:
        reversal["is_refused"] = _refusal_of(sale, reversal["lines"]) is not None


def _refusal_of(sale: PosSale, lines: Mapping[str, int] | None) -> Refusal | None:
    """Return why a reversal of these lines cannot be, given those that hold; None if it can."""
    returned = receipts.returned_of(sale)
    left = {
        line["ref"]: line["quantity"] - returned[line["ref"]] for line in sale.document["lines"]
    }
    if lines is None:
        return None
    for ref, quantity in lines.items():
        if ref not in left:
            return Refusal(Code.NOT_FOUND, f"The receipt has no line {ref}.", f"lines.{ref}")
        if quantity > left[ref]:
            message = f"lines.{ref}.quantity is {quantity}, and {left[ref]} units are left."
            return Refusal(Code.INVALID, message, f"lines.{ref}.quantity")
    return None


def _stored_lines(lines: Sequence[SaleLine], exponent: int) -> list[dict[str, Any]]:
    shop = host.current()
    refs = shop.resolve_slugs("variants", sorted({line.sku for line in lines if line.sku}))
    goods = shop.goods_of_variants(sorted(refs.values()))
    unknown = GoodsFacts(variant_ref="", product_ref="")
    stored = []
    for line in lines:
        of_line = goods.get(refs.get(line.sku, ""), unknown)
        gross_minor = to_minor(line.gross, exponent)
        stored.append(
            {
                "ref": line.ref,
                "quantity": line.quantity,
                "gross_minor": gross_minor,
                "net_minor": gross_minor if line.net is None else to_minor(line.net, exponent),
                "is_gift_card": line.is_gift_card,
                "sku": line.sku,
                "goods": dump_goods(of_line),
            }
        )
    return stored


def _settle(sale: PosSale, at: dt.datetime) -> OrderRecord | None:
    return settling.settle_facts(receipts.facts_of(sale), at, account_id=sale.account_id)


def _record_of(sale: PosSale) -> OrderRecord | None:
    ref = receipts.order_ref_of(sale.source, sale.receipt)
    return OrderRecord.objects.filter(order_ref=ref).first()


def _is_recorded(source: str, receipt: str) -> bool:
    """Tell whether the sale has arrived before, so that nobody will be looked up for it."""
    sales = PosSale.objects.filter(source=source, receipt=receipt)
    return sales.exclude(document=None).exists()


def _text(content: Any) -> str:
    return json.dumps(content, sort_keys=True, default=str)


# --- the program ----------------------------------------------------------------------------------


def _program(channel: str, currency: str, sold_at: dt.datetime) -> Program:
    program = active_program(channel) if is_switched_on() else None
    if program is None:
        message = "There is no active program in this channel."
        raise Refusal(Code.PROGRAM_INACTIVE, message, "channel")
    if currency not in rules_of(program.current_version_id).earn_rates:
        message = f'Program "{program.slug}" has no earn rate for {currency}.'
        raise Refusal(Code.CURRENCY_WITHOUT_RATE, message, "currency")
    if sold_at < program.created_at:
        message = f'soldAt must not be before the program "{program.slug}" began.'
        raise Refusal(Code.INVALID, message, "soldAt")
    return program
