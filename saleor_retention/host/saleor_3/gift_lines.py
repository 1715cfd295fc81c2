"""Lines that are added to a Saleor 3.x checkout for a gift, and taken off again.

Saleor's own functions add them, with its checks of stock and of what may be sold, and apps are told
as of any change of a checkout. Our price makes
them free; should it not, the last look before the order knows the line by its mark and stops it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.quote import Quote
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import GiftPick

from . import effects

MARK = "retention.gift"
"""The key in a line's private metadata that holds the offer it was added for."""


def add_goods(checkout_ref: str, variant_ref: str, quantity: int, *, offer_id: str) -> str:
    """Add units of a variant for a gift and return the line; refuse what the shop does not sell."""
    from saleor.checkout.fetch import fetch_checkout_info, fetch_checkout_lines
    from saleor.checkout.models import Checkout, CheckoutLine
    from saleor.checkout.utils import add_variants_to_checkout
    from saleor.graphql.checkout.mutations.utils import CheckoutLineData
    from saleor.plugins.manager import get_plugins_manager
    from saleor.product.models import ProductVariant

    checkout = Checkout.objects.select_related("channel", "user").get(pk=checkout_ref)
    variant = ProductVariant.objects.filter(pk=int(variant_ref)).first()
    if variant is None:
        message = _("There is no such gift any more.")
        raise Refusal(Code.NOT_FOUND, phrase(message), "variantIds")
    lines, _unavailable = fetch_checkout_lines(checkout)
    manager = get_plugins_manager(allow_replica=False)
    delivery = fetch_checkout_info(checkout, lines, manager).get_delivery_method_info()
    try:
        _require_for_sale(checkout, variant)
        _require_stock(checkout, [variant], [quantity], lines, delivery)
    except ValidationError as error:
        raise Refusal(Code.INVALID, " ".join(error.messages), "variantIds") from error
    before = set(CheckoutLine.objects.filter(checkout=checkout).values_list("pk", flat=True))
    data = CheckoutLineData(variant_id=str(variant.pk), quantity=quantity, quantity_to_update=True)
    _call(
        add_variants_to_checkout,
        checkout,
        [variant],
        [data],
        checkout.channel,
        replace_reservations=True,
        reservation_length=_reservation_minutes(checkout),
        calculate_stocks_with_shipping_zones=_uses_shipping_zones(),
    )
    line = CheckoutLine.objects.filter(checkout=checkout).exclude(pk__in=before).get()
    line.private_metadata = {**line.private_metadata, MARK: offer_id}
    line.save(update_fields=["private_metadata"])
    effects.tell_of(checkout_ref)
    return str(line.pk)


def remove_line(checkout_ref: str, line_ref: str) -> bool:
    """Take off a line that was added for a gift and is as it was; tell whether it was there.

    One that the shopper has changed since is his own, and loses the mark only.
    """
    from saleor.checkout.models import CheckoutLine

    line = CheckoutLine.objects.filter(checkout_id=checkout_ref, pk=line_ref).first()
    if line is None or MARK not in line.private_metadata:
        return False
    if line.quantity > 1:
        line.private_metadata.pop(MARK)
        line.save(update_fields=["private_metadata"])
        return False
    line.delete()
    effects.tell_of(checkout_ref)
    return True


def in_stock(variant_refs: Iterable[str], checkout_ref: str) -> set[str]:
    """Return those of which a checkout can have one unit more."""
    from saleor.checkout.fetch import fetch_checkout_info, fetch_checkout_lines
    from saleor.checkout.models import Checkout
    from saleor.plugins.manager import get_plugins_manager
    from saleor.product.models import ProductVariant

    checkout = Checkout.objects.select_related("channel", "user").filter(pk=checkout_ref).first()
    if checkout is None:
        return set()
    lines, _unavailable = fetch_checkout_lines(checkout)
    manager = get_plugins_manager(allow_replica=False)
    delivery = fetch_checkout_info(checkout, lines, manager).get_delivery_method_info()
    wanted = ProductVariant.objects.in_bulk([int(ref) for ref in variant_refs])
    for_sale = wanted.keys() - _not_for_sale(checkout, set(wanted))
    variants = [wanted[pk] for pk in sorted(for_sale)]
    return {str(each.pk) for each in _with_stock(checkout, variants, lines, delivery)}


def charged(lines_info: Sequence[Any], quote: Quote | None) -> list[str]:
    """Return the lines that were added for a gift which the price does not give."""
    given = {
        offer.offer_id: offer.gift_refs for offer in (quote.applied if quote is not None else ())
    }
    return [
        str(info.line.pk)
        for info in lines_info
        if (offer_id := _mark_of(info.line.private_metadata)) is not None
        and str(info.line.variant_id) not in given.get(offer_id, ())
    ]


def is_own(line: Any) -> bool:
    """Tell whether a line of a checkout, or of its order, was added for a gift of an offer."""
    return _mark_of(line.private_metadata) is not None


def take_off(checkout_ref: str, line_refs: Collection[str]) -> None:
    """Take charged gifts off with their picks, so that the next look shows the cart without."""
    for line_ref in line_refs:
        remove_line(checkout_ref, line_ref)
    GiftPick.objects.filter(checkout_ref=checkout_ref, line_ref__in=line_refs).delete()
    effects.reprice(checkout_ref)


def _mark_of(metadata: Mapping[str, str] | None) -> str | None:
    return (metadata or {}).get(MARK)


def _not_for_sale(checkout: Any, ids: set[int]) -> set[int]:
    from saleor.graphql.checkout.mutations import utils
    from saleor.graphql.core.validators import get_not_available_variants_in_channel

    checks = (
        utils.get_not_available_variants_for_purchase,
        utils.get_not_published_variants,
        get_not_available_variants_in_channel,
    )
    return {pk for check in checks for pk in check(ids, checkout.channel_id)[0]}


def _with_stock(checkout: Any, variants: list[Any], lines: list[Any], delivery: Any) -> list[Any]:
    """Return those of which there is one more: asked together, then without those that lack."""
    from saleor.core.exceptions import InsufficientStock

    if not variants:
        return []
    try:
        _require_stock(checkout, variants, [1] * len(variants), lines, delivery)
    except ValidationError as error:
        cause = error.__cause__
        short = cause.items if isinstance(cause, InsufficientStock) else []
        lacking = {item.variant.pk for item in short if item.variant is not None}
        left = [each for each in variants if each.pk not in lacking]
        if lacking:
            return _with_stock(checkout, left, lines, delivery)
        if len(variants) == 1:
            return []
        alone = [_with_stock(checkout, [each], lines, delivery) for each in variants]
        return [each for found in alone for each in found]  # of a limit, which names no variant
    return variants


def _require_for_sale(checkout: Any, variant: Any) -> None:
    from saleor.checkout.error_codes import CheckoutErrorCode
    from saleor.graphql.checkout.mutations import utils
    from saleor.graphql.core.validators import validate_variants_available_in_channel

    ids, channel_id = {variant.pk}, checkout.channel_id
    utils.validate_variants_available_for_purchase(ids, channel_id)
    code = CheckoutErrorCode.UNAVAILABLE_VARIANT_IN_CHANNEL.value
    validate_variants_available_in_channel(ids, channel_id, code)
    utils.validate_variants_are_published(ids, channel_id)


def _require_stock(
    checkout: Any, variants: list[Any], quantities: list[int], lines: list[Any], delivery: Any
) -> None:
    from saleor.graphql.checkout.mutations.utils import check_lines_quantity
    from saleor.warehouse.reservations import is_reservation_enabled

    settings = _site().settings
    _call(
        check_lines_quantity,
        variants,
        quantities,
        checkout.get_country(),
        checkout.channel.slug,
        settings.limit_quantity_per_checkout,
        delivery_method_info=delivery,
        existing_lines=lines,
        check_reservations=is_reservation_enabled(settings),
        calculate_stocks_with_shipping_zones=_uses_shipping_zones(),
    )


def _call(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Call a function of Saleor with those named arguments that this version of it has."""
    known = inspect.signature(function).parameters
    return function(*args, **{name: value for name, value in more.items() if name in known})


def _reservation_minutes(checkout: Any) -> int | None:
    from saleor.warehouse.reservations import get_reservation_length

    minutes: int | None = get_reservation_length(site=_site(), user=checkout.user)
    return minutes


def _uses_shipping_zones() -> bool:
    """Tell whether stock is looked for in the checkout's shipping zones: always before 3.23."""
    return bool(getattr(_site().settings, "use_legacy_shipping_zone_stock_availability", True))


def _site() -> Any:
    from django.contrib.sites.models import Site

    return Site.objects.get_current()
