"""Gifts at the checkout: the shopper's choice, the line that is added for it, and its end.

A gift is goods in the cart that the price makes free. A pick says which of an offer's gifts the
shopper wants and adds a unit of it where the cart has none. When the cart does not earn the gift
any more, the line that we added goes, so that nobody pays for a gift.

Source: semantics, 'Offers at checkout'.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.facts import BasketFacts, CustomerFacts
from saleor_retention.engine.offers.facts import situation_of
from saleor_retention.engine.offers.kinds import Gift, Offer
from saleor_retention.engine.offers.live import Field, lay_out
from saleor_retention.engine.offers.result import Finding
from saleor_retention.engine.offers.situation import Situation
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import CheckoutFacts
from saleor_retention.models import Account, AccountState, AuditAction, GiftPick, Program
from saleor_retention.models import Offer as OfferRow
from saleor_retention.selectors.offers import OfferShelf, offers_in
from saleor_retention.selectors.programs import active_program, is_switched_on, rules_of
from saleor_retention.services.checkout.pricing import newcomer
from saleor_retention.services.ledger.locking import run_serialized
from saleor_retention.services.setting_up.auditing import note_down

NOT_EARNED = _("This cart does not earn that gift.")


@dataclass(frozen=True, slots=True)
class _Place:
    """A checkout, the offers of its channel, and where its shopper stands."""

    checkout: CheckoutFacts
    shelf: OfferShelf
    situation: Situation

    def offer(self, offer_id: str) -> Offer | None:
        """Return a gift offer that runs here."""
        for offer in self.shelf.offers:
            if offer.id == offer_id and isinstance(offer.benefit, Gift):
                return offer
        return None

    def judge(self, offer: Offer, without: Collection[str] = ()) -> Field:
        """Return what the offer gives in this cart, without some of its lines."""
        basket = _without(self.checkout.basket, without)
        return lay_out(basket, [offer], self.situation)


def pick_gift(
    *,
    checkout_ref: str,
    user_ref: str | None,
    offer_id: str,
    variant_ref: str | None,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> GiftPick | None:
    """Choose a gift of an offer, or none; returns the pick, None where there is none any more.

    ``actor_ref`` is who does it on the customer's behalf: the audit trail tells of another choice.

    A unit of the variant is added to the cart unless the cart has one, and the unit that was added
    for an earlier choice is taken off. Locks the checkout's row. After it the checkout is priced
    afresh. Refusals: NOT_FOUND (checkout, or no such gift offer here), PERMISSION_DENIED (another
    customer's), CHECKOUT_PAID, PROGRAM_INACTIVE, NOT_SUPPORTED (with the host's reason),
    NOT_A_MEMBER, LIMIT_REACHED (used up, or all gifts were had), INVALID (not earned, or not among
    the choices: had before, out of stock, not sold).
    """
    at = now or timezone.now()

    def work() -> GiftPick | None:
        checkout = _own_checkout(checkout_ref, user_ref)
        if not offer_id.isdecimal():
            raise Refusal(Code.NOT_FOUND, phrase(_("There is no such offer.")), "offerId")
        picks = GiftPick.objects.filter(checkout_ref=checkout_ref, offer_id=int(offer_id))
        earlier = picks.first()
        had = None if earlier is None else earlier.variant_ref
        pick = _pick(checkout, offer_id, variant_ref, earlier, at)
        if actor_ref and had != variant_ref:
            _note_down(int(offer_id), user_ref, variant_ref, actor_ref, at)
        return pick

    return run_serialized(work)


def choices_of(
    *, checkout_ref: str, offer_id: str, now: dt.datetime | None = None
) -> tuple[str, ...]:
    """Return the gifts of an offer that this cart may choose from now, by reference.

    On request only: asks the shop what is in stock. Empty where the offer gives nothing here.
    """
    shop = host.current()
    checkout = shop.checkout_facts(checkout_ref)
    place = None if checkout is None else _place(checkout, now or timezone.now())
    offer = None if place is None else place.offer(offer_id)
    if place is None or offer is None:
        return ()
    pick = GiftPick.objects.filter(checkout_ref=checkout_ref, offer_id=int(offer.id)).first()
    return _choices(_asked_afresh(place, offer, pick), offer, _own_lines(pick))


def keep_gifts(checkout_ref: str, now: dt.datetime | None = None) -> int:
    """Take off the gifts that a changed cart does not earn any more; return how many.

    Called where a checkout has picks. Nothing is touched while money is authorized or charged: the
    last look before the order decides then. Locks the checkout's row.
    """
    at = now or timezone.now()
    return run_serialized(lambda: _keep(checkout_ref, at))


# --- picking --------------------------------------------------------------------------------------


def _pick(
    checkout: CheckoutFacts,
    offer_id: str,
    variant_ref: str | None,
    earlier: GiftPick | None,
    at: dt.datetime,
) -> GiftPick | None:
    shop, checkout_ref = host.current(), checkout.basket.ref
    if variant_ref is None:
        _drop(earlier)
        return None
    reason = shop.refusal_of("gifts")
    if reason is not None:
        raise Refusal(Code.NOT_SUPPORTED, reason, "checkoutId")
    if earlier is not None and earlier.variant_ref == variant_ref:
        return earlier
    place = _place(checkout, at)
    if place is None:
        message = _("There is no active program in the channel of this checkout.")
        raise Refusal(Code.PROGRAM_INACTIVE, phrase(message), "checkoutId")
    offer = place.offer(offer_id)
    if offer is None:
        message = _("There is no such offer of a gift here.")
        raise Refusal(Code.NOT_FOUND, phrase(message), "offerId")
    asked = _asked_afresh(place, offer, earlier)
    if variant_ref not in _choices(asked, offer, _own_lines(earlier)):
        raise _refusal(asked.judge(offer, _own_lines(earlier)), offer)
    if earlier is not None:
        _remove_line(earlier)
    pick, _is_new = GiftPick.objects.update_or_create(
        checkout_ref=checkout_ref,
        offer_id=int(offer.id),
        defaults={
            "variant_ref": variant_ref,
            "line_ref": _line_for(checkout, offer, variant_ref, _own_lines(earlier)),
            "picked_at": at,
        },
    )
    shop.reprice(checkout_ref)
    return pick


def _line_for(
    checkout: CheckoutFacts, offer: Offer, variant_ref: str, without: Collection[str]
) -> str:
    """Add a unit of the gift and return its line; "" where the cart has some already."""
    lines = _without(checkout.basket, without).lines
    if any(line.goods.variant_ref == variant_ref for line in lines):
        return ""
    return host.current().add_goods(checkout.basket.ref, variant_ref, 1, offer_id=offer.id)


def _choices(place: _Place, offer: Offer, without: Collection[str]) -> tuple[str, ...]:
    """Return what may be picked: what is offered as a choice, and what is in the cart already."""
    found = place.judge(offer, without)
    misses = [miss.code for miss in found.misses.get(offer.id, ())]
    if misses and misses != [Finding.GIFT_TO_CHOOSE]:
        return ()
    offered = {ref for choice in found.gifts for ref in choice.variant_refs}
    if not misses:
        lines = _without(place.checkout.basket, without).lines
        assert isinstance(offer.benefit, Gift)  # noqa: S101 (``_Place.offer`` finds no other)
        had = place.situation.gifts_had
        offered |= {line.goods.variant_ref for line in lines} & (offer.benefit.choices - had)
    return tuple(sorted(offered))


def _asked_afresh(place: _Place, offer: Offer, earlier: GiftPick | None) -> _Place:
    """Return the place without the earlier choice, and with what is out of stock."""
    assert isinstance(offer.benefit, Gift)  # noqa: S101 (``_Place.offer`` finds no other)
    wanted = offer.benefit.choices
    there = host.current().in_stock(sorted(wanted), place.checkout.basket.ref)
    in_cart = {line.goods.variant_ref for line in place.checkout.basket.lines}
    if earlier is not None:
        in_cart.discard(earlier.variant_ref)
    choices = {key: ref for key, ref in place.situation.gift_choices.items() if key != offer.id}
    situation = replace(
        place.situation,
        gift_choices=choices,
        out_of_stock=frozenset(wanted - there - in_cart),
    )
    return replace(place, situation=situation)


def _refusal(found: Field, offer: Offer) -> Refusal:
    codes = {miss.code for miss in found.misses.get(offer.id, ())}
    if Finding.NOT_A_MEMBER in codes:
        return _named(Code.NOT_A_MEMBER, _('The offer "%(name)s" is for members only.'), offer)
    if codes & {Finding.LIMIT_PER_CUSTOMER, Finding.LIMIT_IN_TOTAL}:
        return _named(Code.LIMIT_REACHED, _('The offer "%(name)s" is used up.'), offer)
    if Finding.NO_GIFT_LEFT in codes:
        message = _('No gift of the offer "%(name)s" is left for you.')
        return _named(Code.LIMIT_REACHED, message, offer)
    if codes - {Finding.GIFT_TO_CHOOSE}:
        return Refusal(Code.INVALID, phrase(NOT_EARNED), "offerId")
    message = _('That is none of the gifts of the offer "%(name)s" that you can choose now.')
    return _named(Code.INVALID, message, offer, "variantId")


def _named(code: Code, message: str, offer: Offer, field: str = "offerId") -> Refusal:
    return Refusal(code, phrase(message, name=offer.name), field)


# --- keeping --------------------------------------------------------------------------------------


def _keep(checkout_ref: str, at: dt.datetime) -> int:
    shop = host.current()
    if not shop.lock_checkout(checkout_ref):
        GiftPick.objects.filter(checkout_ref=checkout_ref).delete()
        return 0
    checkout = shop.checkout_facts(checkout_ref)
    if checkout is None or checkout.is_money_committed:
        return 0
    place = _place(checkout, at)
    dropped = 0
    for pick in GiftPick.objects.filter(checkout_ref=checkout_ref).order_by("pk"):
        if not _is_earned(place, pick):
            _drop(pick)
            dropped += 1
    return dropped


def _is_earned(place: _Place | None, pick: GiftPick) -> bool:
    offer = None if place is None else place.offer(str(pick.offer_id))
    if place is None or offer is None:
        return False
    return not place.judge(offer).misses.get(offer.id)


def _note_down(
    offer_id: int, user_ref: str | None, variant_ref: str | None, actor_ref: str, at: dt.datetime
) -> None:
    """Add to the audit trail what was chosen on a customer's behalf."""
    offer = OfferRow.objects.select_related("program").get(pk=offer_id)
    account = None
    if user_ref is not None:
        account = Account.objects.filter(program=offer.program, user=user_ref).first()
    chosen = "no gift" if variant_ref is None else f"the gift {variant_ref}"
    note_down(
        AuditAction.GIFT_PICK,
        actor_ref=actor_ref,
        at=at,
        program=offer.program,
        account=account,
        changes=[f"{offer.slug}: {chosen} in a cart"],
    )


def _drop(pick: GiftPick | None) -> None:
    if pick is None:
        return
    _remove_line(pick)
    pick.delete()
    host.current().reprice(pick.checkout_ref)


def _remove_line(pick: GiftPick) -> None:
    if pick.line_ref:
        host.current().remove_line(pick.checkout_ref, pick.line_ref)


# --- the cart -------------------------------------------------------------------------------------


def _own_checkout(checkout_ref: str, user_ref: str | None) -> CheckoutFacts:
    """Lock the checkout and return it, if this shopper may still change it."""
    shop = host.current()
    checkout = shop.checkout_facts(checkout_ref) if shop.lock_checkout(checkout_ref) else None
    if checkout is None:
        raise Refusal(Code.NOT_FOUND, phrase(_("There is no such checkout.")), "checkoutId")
    if checkout.basket.user_ref is not None and checkout.basket.user_ref != user_ref:
        message = _("This checkout is not attached to your account.")
        raise Refusal(Code.PERMISSION_DENIED, phrase(message), "checkoutId")
    if checkout.is_money_committed:
        message = _("Payment of this checkout has begun; its gifts cannot be changed any more.")
        raise Refusal(Code.CHECKOUT_PAID, phrase(message), "checkoutId")
    return checkout


def _place(checkout: CheckoutFacts, at: dt.datetime) -> _Place | None:
    """Return where gifts are to be given; None where no program with offers runs."""
    basket = checkout.basket
    program = active_program(basket.channel_ref) if is_switched_on() else None
    if program is None or program.current_version_id is None or not program.offers_stamp:
        return None
    rules = rules_of(program.current_version_id)
    shelf = offers_in(
        program.pk, program.offers_stamp, channel_ref=basket.channel_ref, currency=basket.currency
    )
    account = None
    if basket.user_ref is not None:
        account = Account.objects.filter(program=program, user_id=int(basket.user_ref)).first()
    customer = _customer(account)
    if customer is None and basket.user_ref is not None:
        user = host.current().users([basket.user_ref]).get(basket.user_ref)
        customer = newcomer(rules) if user is not None and user.is_confirmed else None
    situation = situation_of(
        _facts(program, account, basket.ref),
        shelf.terms,
        at=at.astimezone(ZoneInfo(rules.time_zone)),
        customer=customer,
    )
    return _Place(checkout, shelf, situation)


def _customer(account: Account | None) -> CustomerFacts | None:
    if account is None:
        return None
    is_member = account.state == AccountState.MEMBER
    return CustomerFacts(account_id=account.pk, tier=(account.tier or None) if is_member else None)


def _facts(program: Program, account: Account | None, checkout_ref: str) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT saleor_retention_offer_facts(%s, %s, %s)::text",
            [program.pk, None if account is None else account.pk, checkout_ref],
        )
        facts: dict[str, object] = json.loads(cursor.fetchone()[0])
    return facts


def _own_lines(pick: GiftPick | None) -> tuple[str, ...]:
    return (pick.line_ref,) if pick is not None and pick.line_ref else ()


def _without(basket: BasketFacts, line_refs: Collection[str]) -> BasketFacts:
    lines = tuple(line for line in basket.lines if line.ref not in line_refs)
    return replace(basket, lines=lines)
