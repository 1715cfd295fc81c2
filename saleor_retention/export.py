"""What is held about a person, in words and as data: for the command and for GraphQL alike."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saleor_retention import host
from saleor_retention.engine.money import money_text
from saleor_retention.graphql import words
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    AuditEntry,
    ConsentEntry,
    ConsentSource,
    ConsentState,
    Coupon,
    CouponCause,
    CouponState,
    CustomerRollup,
    CustomerTag,
    Dispatch,
    DispatchState,
    ExperimentArm,
    ExperimentSubject,
    FollowUp,
    Hold,
    HoldState,
    Lot,
    MemberEvent,
    OfferStamp,
    OfferUse,
    OfferUseState,
    OrderRecord,
    PosSale,
    ProfileEntry,
    Referral,
    ReferralCode,
    ReferralState,
    SegmentEvent,
    SegmentEventKind,
    SegmentMember,
    StoredQuote,
    Suppression,
    SuppressionReason,
    SurveyAnswer,
    TierChange,
    TierChangeKind,
)
from saleor_retention.selectors import holdings
from saleor_retention.selectors.balances import balance_of
from saleor_retention.selectors.history import Movement
from saleor_retention.selectors.holdings import Holding, Section
from saleor_retention.selectors.programs import rules_of

ABOUT = (
    "Everything that the loyalty program holds about this person. Name, addresses, phone numbers "
    "and orders are held by the shop itself."
)
KINDS: Mapping[str, str] = {
    TierChangeKind.UPGRADE: "it was reached",
    TierChangeKind.DOWNGRADE: "a higher one was no longer reached",
    TierChangeKind.WITHDRAW: "it was reached only by orders that were reversed since",
    TierChangeKind.RENEW: "it was reached again",
    TierChangeKind.OVERRIDE: "the shop set it",
    TierChangeKind.OVERRIDE_END: "what the shop had set came to its end",
    TierChangeKind.LADDER: "the shop changed its tiers",
}
ENDS: Mapping[str, str] = {
    HoldState.PLACED: "they are set aside still",
    HoldState.CAPTURED: "spent",
    HoldState.RELEASED: "given back",
    HoldState.LAPSED: "given back when the time was over",
}
CODES: Mapping[str, str] = {
    CouponState.ACTIVE: "it can be used until {end}",
    CouponState.USED: "used",
    CouponState.EXPIRED: "it ended {end}",
    CouponState.REVOKED: "the shop ended it",
    CouponState.TAKEN_BACK: "taken back with the order that it was given for",
}
WHY: Mapping[str, str] = {
    CouponCause.BATCH: "one of many",
    CouponCause.CAMPAIGN: "by a campaign",
    CouponCause.GOODWILL: "by the shop's staff",
    CouponCause.NEXT_ORDER: "for the first order",
}
ARMS: Mapping[str, str] = {
    ExperimentArm.TREATED: "drawn to be treated",
    ExperimentArm.HELD_OUT: "drawn to be left out",
}
USES: Mapping[str, str] = {
    OfferUseState.RESERVED: "set aside for cart {cart}",
    OfferUseState.USED: "used by order {order}",
    OfferUseState.RETURNED: "given back",
}

SOURCES: Mapping[str, str] = {
    ConsentSource.STOREFRONT: "said in the shop",
    ConsentSource.REGISTRATION: "said when registering",
    ConsentSource.ORDER: "said on an order's confirmation",
    ConsentSource.CONFIRMATION: "by the link of a mail",
    ConsentSource.UNSUBSCRIBE: "by the link of a message",
    ConsentSource.STAFF: "written down by the shop",
}
STATES: Mapping[str, str] = {
    ConsentState.REQUESTED: "consent was asked to be confirmed",
    ConsentState.GIVEN: "consent was given",
    ConsentState.WITHDRAWN: "consent was withdrawn",
}
SUPPRESSED: Mapping[str, str] = {
    SuppressionReason.UNSUBSCRIBED: "the customer asked for it",
    SuppressionReason.COMPLAINT: "there was a complaint",
    SuppressionReason.BOUNCED: "messages could not be delivered",
    SuppressionReason.STAFF: "the shop decided it",
}


REFERRED: Mapping[str, str] = {
    ReferralState.CLAIMED: "no first order was paid yet",
    ReferralState.PENDING: "the points wait for the end of the return window",
    ReferralState.REWARDED: "the points were given",
    ReferralState.VOID: "it brought nothing",
}


DONE: Mapping[str, str] = {
    AuditAction.POINTS_GRANT: "points were given by hand",
    AuditAction.POINTS_TAKE: "points were taken by hand",
    AuditAction.TIER_OVERRIDE: "the tier was set by hand",
    AuditAction.TIER_OVERRIDE_END: "the tier set by hand was ended",
    AuditAction.ORDER_SETTLE: "an order was settled again by hand",
    AuditAction.SALE_RECORD: "a till sent a sale",
    AuditAction.SALE_REVERSE: "a till took a sale back",
    AuditAction.MEMBER_ERASE: "the customer was forgotten",
    AuditAction.COUPON_ISSUE: "a coupon was given by hand",
    AuditAction.COUPON_REVOKE: "a coupon was ended by hand",
    AuditAction.EVENT_RECORD: "a rewarded event was told of",
    AuditAction.EVENT_REVERSE: "a rewarded event was taken back",
    AuditAction.FOLLOW_UP_OPEN: "a task of staff was opened",
    AuditAction.FOLLOW_UP_CHANGE: "a task of staff was changed",
    AuditAction.FOLLOW_UP_CLOSE: "a task of staff was closed",
}
"""What can be done about a customer; what is done to programs concerns nobody in particular."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that is held: a sentence for people and the values for programs."""

    section: Section
    program: str
    text: str
    data: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "section": self.section.value,
            "program": self.program,
            "text": self.text,
            "data": self.data,
        }


def record_of(holding: Holding, *, is_for_staff: bool) -> Record:
    """Put a row into words; the words and names of staff only where staff asks."""
    text, data = DESCRIBED[holding.section](holding)
    if not is_for_staff:
        data = {name: value for name, value in data.items() if name not in OF_STAFF}
    return Record(holding.section, holding.account.program.slug, text, data)


def write(account_ids: Sequence[int], now: dt.datetime) -> Iterator[str]:
    """Yield the export of these accounts as pieces of one JSON document, a record to a line."""
    head = {"exported_at": now.isoformat(), "about": ABOUT}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "records": ['
    between = "\n"
    for holding in holdings.walk(account_ids):
        record = record_of(holding, is_for_staff=True).as_dict()
        yield between + json.dumps(record, ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


OF_STAFF = frozenset({"note", "actor", "task", "assignee", "closed_by"})


def _account(holding: Holding) -> tuple[str, dict[str, Any]]:
    account: Account = holding.row
    balance = balance_of(account)
    text = (
        f"{_who(account)} {balance.available} points are available, {balance.pending} pending, "
        f"{balance.held} set aside and {balance.deficit} owed."
    )
    if account.tier:
        text += f" The tier is {account.tier}{_until(account.tier_valid_until)}."
    return text, {
        "state": account.state,
        "member_number": account.member_number,
        "pseudonym": str(account.pseudonym),
        "has_email_hash": bool(account.email_hash),
        "joined_at": _iso(account.joined_at),
        "left_at": _iso(account.left_at),
        "last_activity_at": _iso(account.last_activity_at),
        "available": balance.available,
        "pending": balance.pending,
        "held": balance.held,
        "deficit": balance.deficit,
        "tier": account.tier,
        "tier_since": _iso(account.tier_since),
        "tier_valid_until": _iso(account.tier_valid_until),
        "is_tier_manual": account.is_tier_manual,
    }


def _who(account: Account) -> str:
    program = f'"{account.program.name}"'
    number, since = account.member_number, _day(account.joined_at)
    if account.state == AccountState.SHADOW:
        return f"Orders placed as a guest in {program}, known by a hash of the e-mail address."
    if account.state == AccountState.MERGED:
        return (
            f"Orders placed as a guest in {program}, brought over to the membership; a hash of "
            "the e-mail address is kept."
        )
    if account.state == AccountState.LEFT and account.left_at is not None:
        return f"Member {number} of {program} from {since} to {_day(account.left_at)}."
    return f"Member {number} of {program} since {since}."


def _fact(holding: Holding) -> tuple[str, dict[str, Any]]:
    entry: ProfileEntry = holding.row
    value = json.dumps(entry.value, ensure_ascii=False)
    if entry.value is None:
        value = "not known any more"
    source = SOURCES[entry.source]
    text = f"{_day(entry.at)}: {entry.fact.replace('_', ' ')} is {value}, {source}."
    return text, {
        "at": _iso(entry.at),
        "fact": entry.fact,
        "value": entry.value,
        "source": entry.source,
        "actor": entry.actor_ref,
    }


def _consent(holding: Holding) -> tuple[str, dict[str, Any]]:
    entry: ConsentEntry = holding.row
    question = None
    if entry.version_id is not None:
        question = rules_of(entry.version_id).questions.consent(entry.channel, entry.purpose)
    words_of_it = "" if question is None else f' to "{question.text}"'
    text = (
        f"{_day(entry.at)}: {STATES[entry.state]} ({entry.channel}, {entry.purpose})"
        f"{words_of_it}, {SOURCES[entry.source]}."
    )
    return text, {
        "at": _iso(entry.at),
        "channel": entry.channel,
        "purpose": entry.purpose,
        "state": entry.state,
        "source": entry.source,
        "text_version": entry.text_version,
        "text": "" if question is None else question.text,
        "order": entry.order_ref,
        "actor": entry.actor_ref,
    }


def _suppression(holding: Holding) -> tuple[str, dict[str, Any]]:
    row: Suppression = holding.row
    what = f"for {row.purpose}" if row.purpose else "for any purpose"
    text = f"{_day(row.at)}: nothing is sent by {row.channel} {what}; {SUPPRESSED[row.reason]}."
    return text, {
        "at": _iso(row.at),
        "channel": row.channel,
        "purpose": row.purpose,
        "reason": row.reason,
        "address_hash": row.address_hash,
    }


def _event(holding: Holding) -> tuple[str, dict[str, Any]]:
    event: MemberEvent = holding.row
    about = f" about {event.object_ref}" if event.object_ref else ""
    ended = f", taken back on {_day(event.reversed_at)}" if event.reversed_at is not None else ""
    text = (
        f"{_day(event.at)}: {event.kind.replace('_', ' ')}{about}, told by {event.source}; "
        f"{event.points} points{ended}."
    )
    columns = ("source", "reference", "kind", "object_ref", "outcome", "points")
    return text, {
        "at": _iso(event.at),
        "recorded_at": _iso(event.recorded_at),
        "reversed_at": _iso(event.reversed_at),
        **{name: getattr(event, name) for name in columns},
        "actor": event.actor_ref,
    }


def _referral_code(holding: Holding) -> tuple[str, dict[str, Any]]:
    row: ReferralCode = holding.row
    text = f"{_day(row.made_at)}: the code for friends is {row.code}."
    return text, {"code": row.code, "made_at": _iso(row.made_at)}


def _referral(holding: Holding) -> tuple[str, dict[str, Any]]:
    """Tell one side of a referral; who the other one is concerns nobody else."""
    row: Referral = holding.row
    is_friend = row.friend_id == holding.account.pk
    said = "came on a member's advice" if is_friend else "referred a friend"
    points = row.friend_points if is_friend else row.advocate_points
    text = f"{_day(row.claimed_at)}: {said}; {REFERRED[row.state]}, {points} points."
    return text, {
        "side": "friend" if is_friend else "advocate",
        "claimed_at": _iso(row.claimed_at),
        "state": row.state,
        "reason": row.reason,
        "points": points,
        "due_at": _iso(row.due_at),
        "ended_at": _iso(row.ended_at),
    }


def _survey(holding: Holding) -> tuple[str, dict[str, Any]]:
    """Tell the answers under the words that were asked; keys stand for words that went."""
    row: SurveyAnswer = holding.row
    survey = rules_of(row.version_id).survey
    labels = {question.key: question.field.label for question in survey.questions}
    said = "; ".join(
        f"{labels.get(key, key)} {json.dumps(answer, ensure_ascii=False)}"
        for key, answer in sorted(row.answers.items())
    )
    text = (
        f"{_day(row.answered_at)}: answered about order {holding.number or row.order_ref}: {said}; "
        f"{row.points} points."
    )
    return text, {
        "order": row.order_ref,
        "answered_at": _iso(row.answered_at),
        "answers": row.answers,
        "points": row.points,
    }


def _follow_up(holding: Holding) -> tuple[str, dict[str, Any]]:
    """Tell of a task; what staff typed is in the values alone, which customers are not shown."""
    row: FollowUp = holding.row
    state = row.outcome.replace("_", " ") if row.outcome else row.state
    text = f"{_day(row.created_at)}: a task of staff, due {row.due_on}, {state}."
    return text, {
        "created_at": _iso(row.created_at),
        "due_on": row.due_on.isoformat(),
        "state": row.state,
        "outcome": row.outcome,
        "closed_at": _iso(row.closed_at),
        "segment": "" if row.segment_id is None else row.segment.slug,
        "task": row.reason,
        "note": row.note,
        "assignee": row.assignee_ref,
        "actor": row.created_by,
        "closed_by": row.closed_by,
    }


def _tier_change(holding: Holding) -> tuple[str, dict[str, Any]]:
    change: TierChange = holding.row
    tiers = f"from {change.from_tier or 'none'} to {change.to_tier or 'none'}"
    text = (
        f"{_day(change.at)}: the tier went {tiers}{_until(change.valid_until)}; "
        f"{KINDS[change.kind]}."
    )
    return text, {
        "at": _iso(change.at),
        "kind": change.kind,
        "from_tier": change.from_tier,
        "to_tier": change.to_tier,
        "metric_value": change.metric_value,
        "valid_until": _iso(change.valid_until),
        "order": change.order_ref,
        "actor": change.actor_ref,
        "note": change.note.text if change.note is not None else "",
    }


def _lot(holding: Holding) -> tuple[str, dict[str, Any]]:
    lot: Lot = holding.row
    of_order = f" of order {holding.number or lot.order_ref}" if lot.order_ref else ""
    text = (
        f"{_day(lot.opened_at)}: {lot.granted} points{of_order}{_until(lot.expires_at)}; "
        f"{lot.remaining} are left, {lot.held} set aside, {lot.used} used, {lot.expired} expired."
    )
    columns = ("granted", "remaining", "held", "used", "restored", "expired", "clawed")
    return text, {
        "opened_at": _iso(lot.opened_at),
        "valid_from": _iso(lot.valid_from),
        "expires_at": _iso(lot.expires_at),
        "order": lot.order_ref,
        **{name: getattr(lot, name) for name in (*columns, "adjusted", "repaid")},
    }


def _order(holding: Holding) -> tuple[str, dict[str, Any]]:
    record: OrderRecord = holding.row
    text = (
        f"{_day(record.created_at)}: order {record.number or record.order_ref} earned "
        f"{record.earned} points, of which {record.clawed} were taken back, and "
        f"{record.redeemed} points were spent on it, of which {record.restored} were given back."
    )
    columns = ("earned", "clawed", "redeemed", "restored", "bonus", "spend_minor", "is_counted")
    return text, {
        "order": record.order_ref,
        "number": record.number,
        "channel": record.channel_ref,
        "currency": record.currency,
        "tier": record.tier,
        "created_at": _iso(record.created_at),
        "paid_at": _iso(record.paid_at),
        "goods": record.goods,
        **{name: getattr(record, name) for name in columns},
    }


def _receipt(holding: Holding) -> tuple[str, dict[str, Any]]:
    sale: PosSale = holding.row
    document = sale.document or {}
    sold_at = str(document.get("sold_at", ""))[:10] or _day(sale.recorded_at)
    lines = len(document.get("lines", ()))
    text = (
        f"{sold_at}: receipt {sale.receipt} of till {sale.source}, {_many(lines, 'line')}, "
        f"{_many(len(sale.reversals), 'reversal')}."
    )
    return text, {
        "source": sale.source,
        "receipt": sale.receipt,
        "recorded_at": _iso(sale.recorded_at),
        "sale": document,
        "reversals": sale.reversals,
        "actor": sale.actor_ref,
    }


def _cart(holding: Holding) -> tuple[str, dict[str, Any]]:
    quote: StoredQuote = holding.row
    text = (
        f"{_day(quote.priced_at)}: the benefits of cart {quote.checkout_ref}, "
        f"with {quote.points_applied} points spent."
    )
    return text, {
        "cart": quote.checkout_ref,
        "order": quote.order_ref,
        "priced_at": _iso(quote.priced_at),
        "tier": quote.tier,
        "points_applied": quote.points_applied,
        "has_free_shipping": quote.has_free_shipping,
        "quote": quote.payload,
    }


def _hold(holding: Holding) -> tuple[str, dict[str, Any]]:
    hold: Hold = holding.row
    exponent = host.current().currency_exponent(hold.currency)
    ended = f" on {_day(hold.ended_at)}" if hold.ended_at is not None else ""
    text = (
        f"{_day(hold.placed_at)}: {hold.points} points, worth "
        f"{money_text(hold.value_minor, hold.currency, exponent)}, were set aside for cart "
        f"{hold.checkout_ref}; {ENDS[hold.state]}{ended}."
    )
    return text, {
        "cart": hold.checkout_ref,
        "order": hold.order_ref,
        "state": hold.state,
        "requested": hold.requested,
        "points": hold.points,
        "captured": hold.captured,
        "restored": hold.restored,
        "currency": hold.currency,
        "value_minor": hold.value_minor,
        "placed_at": _iso(hold.placed_at),
        "lapses_at": _iso(hold.lapses_at),
        "ended_at": _iso(hold.ended_at),
    }


def _customer(holding: Holding) -> tuple[str, dict[str, Any]]:
    rollup: CustomerRollup = holding.row
    text = (
        f"{_many(rollup.orders, 'order')} on {_many(rollup.order_days, 'day')} from "
        f"{rollup.first_on.isoformat()} to {rollup.last_on.isoformat()}."
    )
    counts = ("orders", "order_days", "spend_minor", "first_day_minor")
    scores = ("recency_score", "frequency_score", "monetary_score")
    return text, {
        "first_order_at": _iso(rollup.first_order_at),
        "second_order_at": _iso(rollup.second_order_at),
        "last_order_at": _iso(rollup.last_order_at),
        **{name: getattr(rollup, name) for name in (*counts, *scores)},
    }


def _segment(holding: Holding) -> tuple[str, dict[str, Any]]:
    member: SegmentMember = holding.row
    text = f'In the segment "{member.segment.name}" since {_day(member.since)}.'
    return text, {"segment": member.segment.slug, "since": _iso(member.since)}


def _segment_event(holding: Holding) -> tuple[str, dict[str, Any]]:
    event: SegmentEvent = holding.row
    way = "came into" if event.kind == SegmentEventKind.ENTERED else "left"
    text = f'{_day(event.at)}: {way} the segment "{event.segment.name}".'
    return text, {"segment": event.segment.slug, "kind": event.kind, "at": _iso(event.at)}


def _tag(holding: Holding) -> tuple[str, dict[str, Any]]:
    borne: CustomerTag = holding.row
    text = f'Bears the tag "{borne.tag}" since {_day(borne.since)}.'
    return text, {"tag": borne.tag, "since": _iso(borne.since)}


def _dispatch(holding: Holding) -> tuple[str, dict[str, Any]]:
    row: Dispatch = holding.row
    reason = row.skipped.reason if row.state == DispatchState.SKIPPED else ""
    state = f"left out: {reason}" if reason else row.state
    text = f'{_day(row.planned_at)}: the campaign "{row.campaign.name}", {state}.'
    return text, {
        "campaign": row.campaign.slug,
        "cycle": row.cycle,
        "state": row.state,
        "reason": reason,
        "planned_at": _iso(row.planned_at),
        "sending_at": _iso(row.sending_at),
        "facts": row.facts,
    }


def _experiment(holding: Holding) -> tuple[str, dict[str, Any]]:
    subject: ExperimentSubject = holding.row
    name = subject.experiment.name
    text = f'{_day(subject.assigned_at)}: in the experiment "{name}", {ARMS[subject.arm]}.'
    return text, {
        "experiment": subject.experiment.slug,
        "arm": subject.arm,
        "assigned_at": _iso(subject.assigned_at),
    }


def _offer_use(holding: Holding) -> tuple[str, dict[str, Any]]:
    use: OfferUse = holding.row
    exponent = host.current().currency_exponent(use.currency)
    state = USES[use.state].format(cart=use.checkout_ref, order=holding.number or use.order_ref)
    gifts = sorted(gift.variant_ref for gift in use.gifts.all())
    text = (
        f'{_day(use.created_at)}: {_many(use.uses, "use")} of the offer "{use.offer.name}", '
        f"{money_text(use.amount_minor, use.currency, exponent)} off, {state}."
    )
    return text, {
        "offer": use.offer.slug,
        "cart": use.checkout_ref,
        "order": use.order_ref,
        "state": use.state,
        "uses": use.uses,
        "amount_minor": use.amount_minor,
        "currency": use.currency,
        "gifts": gifts,
        "created_at": _iso(use.created_at),
        "ended_at": _iso(use.ended_at),
    }


def _stamps(holding: Holding) -> tuple[str, dict[str, Any]]:
    stamp: OfferStamp = holding.row
    text = (
        f"{_day(stamp.stamped_at)}: {_many(stamp.units, 'unit')} of order "
        f'{holding.number or stamp.order_ref} on the card "{stamp.offer.name}".'
    )
    return text, {
        "offer": stamp.offer.slug,
        "order": stamp.order_ref,
        "units": stamp.units,
        "stamped_at": _iso(stamp.stamped_at),
    }


def _coupon(holding: Holding) -> tuple[str, dict[str, Any]]:
    coupon: Coupon = holding.row
    state = CODES[coupon.state].format(end=_day(coupon.valid_until))
    text = (
        f'{_day(coupon.issued_at)}: the coupon {coupon.code} "{coupon.batch.terms["name"]}", '
        f"given {WHY[coupon.cause]}, {state}."
    )
    return text, {
        "code": coupon.code,
        "kind": coupon.batch.kind,
        "terms": coupon.batch.terms,
        "cause": coupon.cause,
        "state": coupon.state,
        "uses": coupon.uses,
        "order": coupon.order_ref,
        "issued_at": _iso(coupon.issued_at),
        "valid_until": _iso(coupon.valid_until),
        "reminded_at": _iso(coupon.reminded_at),
    }


def _movement(holding: Holding) -> tuple[str, dict[str, Any]]:
    movement: Movement = holding.row
    reason = words.said(words.reason(movement.kind, movement.rule_key, holding.number))
    text = f"{_day(movement.at)}: {movement.points:+} points. {reason}"
    return text, {
        "at": _iso(movement.at),
        "recorded_at": _iso(movement.recorded_at),
        "kind": movement.kind,
        "points": movement.points,
        "available": movement.available,
        "pending": movement.pending,
        "held": movement.held,
        "deficit": movement.deficit,
        "order": movement.order_ref,
        "rule": movement.rule_key,
        "cause": movement.cause,
        "actor": movement.actor_ref,
        "note": movement.note,
    }


def _audit(holding: Holding) -> tuple[str, dict[str, Any]]:
    entry: AuditEntry = holding.row
    changes = f" ({'; '.join(entry.changes)})" if entry.changes else ""
    text = f"{_day(entry.at)}: {DONE[entry.action]}{changes}."
    return text, {
        "at": _iso(entry.at),
        "action": entry.action,
        "order": entry.order_ref,
        "changes": entry.changes,
        "actor": entry.actor_ref,
        "note": entry.note.text if entry.note is not None else "",
    }


DESCRIBED: Mapping[Section, Callable[[Holding], tuple[str, dict[str, Any]]]] = {
    Section.ACCOUNT: _account,
    Section.PROFILE: _fact,
    Section.CONSENT: _consent,
    Section.SUPPRESSION: _suppression,
    Section.TIER_CHANGE: _tier_change,
    Section.LOT: _lot,
    Section.ORDER: _order,
    Section.RECEIPT: _receipt,
    Section.CART: _cart,
    Section.HOLD: _hold,
    Section.CUSTOMER: _customer,
    Section.SEGMENT: _segment,
    Section.SEGMENT_EVENT: _segment_event,
    Section.TAG: _tag,
    Section.DISPATCH: _dispatch,
    Section.EXPERIMENT: _experiment,
    Section.OFFER_USE: _offer_use,
    Section.STAMPS: _stamps,
    Section.COUPON: _coupon,
    Section.EVENT: _event,
    Section.REFERRAL_CODE: _referral_code,
    Section.REFERRAL: _referral,
    Section.SURVEY: _survey,
    Section.FOLLOW_UP: _follow_up,
    Section.MOVEMENT: _movement,
    Section.AUDIT: _audit,
}


def _iso(at: dt.datetime | None) -> str | None:
    return None if at is None else at.astimezone(dt.UTC).isoformat()


def _day(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).date().isoformat()


def _until(at: dt.datetime | None) -> str:
    return "" if at is None else f" until {_day(at)}"


def _many(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
