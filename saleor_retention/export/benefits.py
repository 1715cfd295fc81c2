"""What the customer was given besides points for orders: offers, coupons, rewards, referrals."""

from __future__ import annotations

from collections.abc import Mapping

from saleor_retention import host
from saleor_retention.engine.money import money_text
from saleor_retention.export.values import Table, Told, day, many, values
from saleor_retention.models import (
    Coupon,
    CouponCause,
    CouponState,
    CouponUse,
    CouponUseState,
    MemberEvent,
    OfferGrant,
    OfferStamp,
    OfferUse,
    OfferUseState,
    Referral,
    ReferralCode,
    ReferralState,
)
from saleor_retention.selectors.holdings import Holding, Section

USES: Mapping[str, str] = {
    OfferUseState.RESERVED: "set aside for cart {cart}",
    OfferUseState.USED: "used by order {order}",
    OfferUseState.RETURNED: "given back",
}
CODES: Mapping[str, str] = {
    CouponState.ACTIVE: "it can be used until {end}",
    CouponState.USED: "used",
    CouponState.EXPIRED: "it ended {end}",
    CouponState.REVOKED: "the shop ended it",
    CouponState.TAKEN_BACK: "taken back with the order that it was given for",
}
REDEEMED: Mapping[str, str] = {
    CouponUseState.RESERVED: "set aside for cart {cart}",
    CouponUseState.USED: "used by order {order}",
    CouponUseState.RETURNED: "given back",
}
WHY: Mapping[str, str] = {
    CouponCause.BATCH: "one of many",
    CouponCause.CAMPAIGN: "by a campaign",
    CouponCause.GOODWILL: "by the shop's staff",
    CouponCause.NEXT_ORDER: "for the first order",
}
REFERRED: Mapping[str, str] = {
    ReferralState.CLAIMED: "no first order was paid yet",
    ReferralState.PENDING: "the points wait for the end of the return window",
    ReferralState.REWARDED: "the points were given",
    ReferralState.VOID: "it brought nothing",
}


def _offer_grant(holding: Holding) -> Told:
    grant: OfferGrant = holding.row
    by = "" if grant.campaign is None else f' by the campaign "{grant.campaign.name}"'
    text = (
        f'{day(grant.granted_at)}: the offer "{grant.offer.name}", given{by}, '
        f"valid until {day(grant.valid_until)}."
    )
    slug = "" if grant.campaign is None else grant.campaign.slug
    return text, {
        **values(grant, "offer=offer.slug"),
        "campaign": slug,
        **values(grant, "granted_at valid_until"),
    }


def _offer_use(holding: Holding) -> Told:
    use: OfferUse = holding.row
    exponent = host.current().currency_exponent(use.currency)
    state = USES[use.state].format(cart=use.checkout_ref, order=holding.number or use.order_ref)
    text = (
        f'{day(use.created_at)}: {many(use.uses, "use")} of the offer "{use.offer.name}", '
        f"{money_text(use.amount_minor, use.currency, exponent)} off, {state}."
    )
    names = "offer=offer.slug cart=checkout_ref order=order_ref state uses amount_minor currency"
    return text, {
        **values(use, names),
        "gifts": sorted(gift.variant_ref for gift in use.gifts.all()),
        **values(use, "created_at ended_at"),
    }


def _stamps(holding: Holding) -> Told:
    stamp: OfferStamp = holding.row
    text = (
        f"{day(stamp.stamped_at)}: {many(stamp.units, 'unit')} of order "
        f'{holding.number or stamp.order_ref} on the card "{stamp.offer.name}".'
    )
    return text, values(stamp, "offer=offer.slug order=order_ref units stamped_at")


def _coupon(holding: Holding) -> Told:
    coupon: Coupon = holding.row
    state = CODES[coupon.state].format(end=day(coupon.valid_until))
    text = (
        f'{day(coupon.issued_at)}: the coupon {coupon.code} "{coupon.batch.terms["name"]}", '
        f"given {WHY[coupon.cause]}, {state}."
    )
    return text, values(
        coupon,
        "code kind=batch.kind terms=batch.terms cause state uses order=order_ref issued_at "
        "valid_until reminded_at",
    )


def _coupon_use(holding: Holding) -> Told:
    use: CouponUse = holding.row
    taken = ""
    if use.amount_minor is not None:
        exponent = host.current().currency_exponent(use.currency)
        taken = f", {money_text(use.amount_minor, use.currency, exponent)} off"
    state = REDEEMED[use.state].format(cart=use.checkout_ref, order=holding.number or use.order_ref)
    text = f"{day(use.created_at)}: the coupon {use.coupon.code}{taken}, {state}."
    return text, values(
        use,
        "code=coupon.code cart=checkout_ref order=order_ref state amount_minor currency "
        "created_at ended_at",
    )


def _event(holding: Holding) -> Told:
    event: MemberEvent = holding.row
    about = f" about {event.object_ref}" if event.object_ref else ""
    ended = f", taken back on {day(event.reversed_at)}" if event.reversed_at is not None else ""
    text = (
        f"{day(event.at)}: {event.kind.replace('_', ' ')}{about}, told by {event.source}; "
        f"{event.points} points{ended}."
    )
    return text, values(
        event,
        "at recorded_at reversed_at source reference kind object_ref outcome points "
        "actor=actor_ref",
    )


def _referral_code(holding: Holding) -> Told:
    row: ReferralCode = holding.row
    return f"{day(row.made_at)}: the code for friends is {row.code}.", values(row, "code made_at")


def _referral(holding: Holding) -> Told:
    """Tell one side of a referral; who the other one is concerns nobody else."""
    row: Referral = holding.row
    is_friend = row.friend_id == holding.account.pk
    said = "came on a member's advice" if is_friend else "referred a friend"
    points = row.friend_points if is_friend else row.advocate_points
    text = f"{day(row.claimed_at)}: {said}; {REFERRED[row.state]}, {points} points."
    return text, {
        "side": "friend" if is_friend else "advocate",
        **values(row, "claimed_at state reason"),
        "points": points,
        **values(row, "due_at ended_at"),
    }


DESCRIBED: Table = {
    Section.OFFER_GRANT: _offer_grant,
    Section.OFFER_USE: _offer_use,
    Section.STAMPS: _stamps,
    Section.COUPON: _coupon,
    Section.COUPON_USE: _coupon_use,
    Section.EVENT: _event,
    Section.REFERRAL_CODE: _referral_code,
    Section.REFERRAL: _referral,
}
