"""Gifts at the checkout: the shopper's choice, the line that is added for it, and its end.

A gift is goods in the cart that the price makes free. A pick says that the shopper wants one of an
offer's gifts, and adds a unit of it where the cart has none. When the cart does not earn the gift
any more, the line that we added goes, so that nobody pays for a gift.

Source: semantics, 'Offers at checkout'.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.facts import BasketFacts, CustomerFacts
from saleor_retention.engine.offers.facts import situation_of
from saleor_retention.engine.offers.kinds import Gift, Offer
from saleor_retention.engine.offers.live import Field, gift_variants, lay_out
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


def pick_gifts(
    *,
    checkout_ref: str,
    user_ref: str | None,
    offer_id: str,
    variant_refs: Iterable[str],
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> tuple[GiftPick, ...]:
    """Choose these gifts of an offer and no others; returns the picks, in order of choosing.

    ``actor_ref`` is who does it on the customer's behalf: the audit trail tells of another choice.

    A unit of each is added to the cart unless the cart has one, and units that were added for
    choices that are not among them are taken off. Locks the checkout's row. After it the checkout
    is priced afresh. Refusals: NOT_FOUND (checkout, or no such gift offer here), PERMISSION_DENIED
    (another customer's), CHECKOUT_PAID, PROGRAM_INACTIVE, NOT_SUPPORTED (with the host's reason),
    NOT_A_MEMBER, LIMIT_REACHED (used up, all gifts were had, or more than the offer gives), INVALID
    (not earned, or not among the choices: had before, out of stock, not sold).
    """
    at, wanted = now or timezone.now(), tuple(dict.fromkeys(variant_refs))
    return run_serialized(lambda: _pick(checkout_ref, user_ref, offer_id, wanted, actor_ref, at))


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
    own = _own_lines(_picks(checkout_ref, offer.id))
    return tuple(sorted(_choices(_asked_afresh(place, offer), offer, own)))


def keep_gifts(checkout_ref: str, now: dt.datetime | None = None) -> int:
    """Take off the gifts that a changed cart does not earn any more; return how many.

    Called where a checkout has picks. Nothing is touched while money is authorized or charged: the
    last look before the order decides then. Locks the checkout's row.
    """
    at = now or timezone.now()
    return run_serialized(lambda: _keep(checkout_ref, at))


# --- picking --------------------------------------------------------------------------------------


def _pick(
    checkout_ref: str,
    user_ref: str | None,
    offer_id: str,
    wanted: tuple[str, ...],
    actor_ref: str,
    at: dt.datetime,
) -> tuple[GiftPick, ...]:
    shop = host.current()
    checkout = _own_checkout(checkout_ref, user_ref)
    if not offer_id.isdecimal():
        raise Refusal(Code.NOT_FOUND, phrase(_("There is no such offer.")), "offerId")
    picks = _picks(checkout_ref, offer_id)
    kept = [pick for pick in picks if pick.variant_ref in wanted]
    new = [ref for ref in wanted if ref not in {pick.variant_ref for pick in kept}]
    if new:
        _require_earned(checkout, offer_id, wanted, new, picks, at)
    _remove([pick for pick in picks if pick not in kept])
    kept += [_add(checkout, offer_id, ref, _own_lines(picks), at) for ref in new]
    if new or len(kept) < len(picks):
        shop.reprice(checkout_ref)
        if actor_ref:
            _note_down(int(offer_id), user_ref, kept, actor_ref, at)
    return tuple(kept)


def _require_earned(
    checkout: CheckoutFacts,
    offer_id: str,
    wanted: Collection[str],
    new: Collection[str],
    picks: Collection[GiftPick],
    at: dt.datetime,
) -> None:
    """Refuse more of the offer than it gives this cart."""
    reason = host.current().refusal_of("gifts")
    if reason is not None:
        raise Refusal(Code.NOT_SUPPORTED, reason, "checkoutId")
    place = _place(checkout, at)
    if place is None:
        message = _("There is no active program in the channel of this checkout.")
        raise Refusal(Code.PROGRAM_INACTIVE, phrase(message), "checkoutId")
    offer = place.offer(offer_id)
    if offer is None:
        message = _("There is no such offer of a gift here.")
        raise Refusal(Code.NOT_FOUND, phrase(message), "offerId")
    own = _own_lines(picks)
    asked = _asked_afresh(place, offer)
    found = asked.judge(offer, own)
    if not _choices(asked, offer, own).issuperset(new):
        raise _refusal(found, offer)
    added = set(wanted) - _variants(_without(checkout.basket, own))
    if len(added) > sum(choice.quantity for choice in found.gifts):
        message = _('The offer "%(name)s" does not give that many gifts.')
        raise _named(Code.LIMIT_REACHED, message, offer, "variantIds")


def _add(
    checkout: CheckoutFacts,
    offer_id: str,
    variant_ref: str,
    without: Collection[str],
    at: dt.datetime,
) -> GiftPick:
    """Keep the choice and add a unit of it; no line is its own where the cart has some already."""
    line_ref = ""
    if variant_ref not in _variants(_without(checkout.basket, without)):
        shop = host.current()
        line_ref = shop.add_goods(checkout.basket.ref, variant_ref, 1, offer_id=offer_id)
    return GiftPick.objects.create(
        checkout_ref=checkout.basket.ref,
        offer_id=int(offer_id),
        variant_ref=variant_ref,
        line_ref=line_ref,
        picked_at=at,
    )


def _choices(place: _Place, offer: Offer, without: Collection[str]) -> set[str]:
    """Return what may be picked: what is offered as a choice, and what is in the cart already."""
    found = place.judge(offer, without)
    misses = [miss.code for miss in found.misses.get(offer.id, ())]
    if misses and misses != [Finding.GIFT_TO_CHOOSE]:
        return set()
    offered = {ref for choice in found.gifts for ref in choice.variant_refs}
    if not misses:
        assert isinstance(offer.benefit, Gift)  # noqa: S101 (``_Place.offer`` finds no other)
        left = offer.benefit.choices - place.situation.gifts_had
        offered |= _variants(_without(place.checkout.basket, without)) & left
    return offered


def _asked_afresh(place: _Place, offer: Offer) -> _Place:
    """Return the place without earlier choices, and with what is out of stock."""
    assert isinstance(offer.benefit, Gift)  # noqa: S101 (``_Place.offer`` finds no other)
    wanted = offer.benefit.choices
    there = host.current().in_stock(sorted(wanted), place.checkout.basket.ref)
    in_cart = _variants(place.checkout.basket)
    choices = {key: refs for key, refs in place.situation.gift_choices.items() if key != offer.id}
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
    return _named(Code.INVALID, message, offer, "variantIds")


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
    picks = list(GiftPick.objects.filter(checkout_ref=checkout_ref).order_by("pk"))
    offer_ids = dict.fromkeys(pick.offer_id for pick in picks)
    gone = [
        pick
        for offer_id in offer_ids
        for pick in _unearned(place, offer_id, [x for x in picks if x.offer_id == offer_id])
    ]
    if gone:
        _remove(gone)
        shop.reprice(checkout_ref)
    return len(gone)


def _unearned(place: _Place | None, offer_id: int, picks: list[GiftPick]) -> list[GiftPick]:
    """Return those of an offer's picks that it does not give; of too many, those chosen last."""
    offer = None if place is None else place.offer(str(offer_id))
    if place is None or offer is None:
        return picks
    found = place.judge(offer)
    if not found.live:
        return picks
    assert isinstance(offer.benefit, Gift)  # noqa: S101 (``_Place.offer`` finds no other)
    given = gift_variants(offer.id, offer.benefit, place.situation)
    given &= _variants(place.checkout.basket)
    earned = [pick for pick in picks if pick.variant_ref in given][: found.live[0].uses_max]
    return [pick for pick in picks if pick not in earned]


def _remove(picks: Iterable[GiftPick]) -> None:
    """Take back choices, with the lines that were added for them."""
    for pick in picks:
        if pick.line_ref:
            host.current().remove_line(pick.checkout_ref, pick.line_ref)
        pick.delete()


def _note_down(
    offer_id: int,
    user_ref: str | None,
    picks: Sequence[GiftPick],
    actor_ref: str,
    at: dt.datetime,
) -> None:
    """Add to the audit trail what was chosen on a customer's behalf."""
    offer = OfferRow.objects.select_related("program").get(pk=offer_id)
    account = None
    if user_ref is not None:
        account = Account.objects.filter(program=offer.program, user=user_ref).first()
    chosen = ", ".join(f"the gift {pick.variant_ref}" for pick in picks) or "no gift"
    note_down(
        AuditAction.GIFT_PICK,
        actor_ref=actor_ref,
        at=at,
        program=offer.program,
        account=account,
        changes=[f"{offer.slug}: {chosen} in a cart"],
    )


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


def _picks(checkout_ref: str, offer_id: str) -> list[GiftPick]:
    picks = GiftPick.objects.filter(checkout_ref=checkout_ref, offer_id=int(offer_id))
    return list(picks.order_by("pk"))


def _own_lines(picks: Iterable[GiftPick]) -> tuple[str, ...]:
    return tuple(pick.line_ref for pick in picks if pick.line_ref)


def _variants(basket: BasketFacts) -> set[str]:
    return {line.goods.variant_ref for line in basket.lines}


def _without(basket: BasketFacts, line_refs: Collection[str]) -> BasketFacts:
    lines = tuple(line for line in basket.lines if line.ref not in line_refs)
    return replace(basket, lines=lines)
