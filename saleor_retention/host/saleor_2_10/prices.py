"""The price pass: from a checkout's key to the price of each unit, in one statement.

It runs whenever a price hook asks. One SELECT reads the basket and where the customer stands, the
engine decides, and if what was decided differs from the stored quote, one more statement stores it.
After a fault nothing of ours is priced: the hooks then hand on what they were given.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import connection, transaction
from django.utils import timezone
from saleor.checkout.models import Checkout
from saleor.checkout.utils import recalculate_checkout_discount
from saleor.discount import DiscountInfo

from saleor_retention.engine.facts import BasketFacts
from saleor_retention.engine.quote_payload import dump_quote
from saleor_retention.selectors.standing import Standing
from saleor_retention.services.checkout import pricing

from . import basket, memo, units

logger = logging.getLogger(__name__)

# Another request may have stored since we read: its quote is as good, and the next pass checks.
STORE = """
INSERT INTO saleor_retention_storedquote AS stored
    (checkout_ref, account_id, version_id, user_ref, tier, basket_fingerprint, fingerprint,
     payload, own_row_ids, points_applied, has_free_shipping, priced_at, order_ref)
VALUES (%(checkout_ref)s, %(account_id)s, %(version_id)s, %(user_ref)s, %(tier)s,
        %(basket_fingerprint)s, %(fingerprint)s, %(payload)s::jsonb, '{}', %(points_applied)s,
        %(has_free_shipping)s, %(now)s, '')
ON CONFLICT (checkout_ref) DO UPDATE SET
    account_id = excluded.account_id, version_id = excluded.version_id,
    user_ref = excluded.user_ref, tier = excluded.tier,
    basket_fingerprint = excluded.basket_fingerprint, fingerprint = excluded.fingerprint,
    payload = excluded.payload, points_applied = excluded.points_applied,
    has_free_shipping = excluded.has_free_shipping, priced_at = excluded.priced_at
WHERE stored.fingerprint = %(read_fingerprint)s AND stored.order_ref = ''
"""

FORGET = """
DELETE FROM saleor_retention_storedquote
WHERE checkout_ref = %(checkout_ref)s AND fingerprint = %(read_fingerprint)s AND order_ref = ''
"""


VOUCHER_FIELDS = (
    "voucher_code",
    "discount_name",
    "translated_discount_name",
    "discount_amount",
)


@dataclass(frozen=True, slots=True)
class Price:
    """What we make of a checkout's price."""

    lines: Mapping[str, units.LinePrice]  # those that we touch
    remainder_minor: int = 0
    has_free_shipping: bool = False
    is_voucher_renewed: bool = False  # the checkout's row says another voucher discount than before


NOTHING = Price({})


def price_of(checkout_ref: str, sales: Iterable[DiscountInfo]) -> Price:
    """Return our price of a checkout under these sales, nothing after a fault; never raises.

    Within a request the answer is kept until the request writes something.
    """
    try:
        found = list(sales or ())
        key = (checkout_ref, tuple(sorted(info.sale.pk for info in found)))
        return memo.recall(key, lambda: _guarded(checkout_ref, found))
    except Exception:
        logger.exception("Could not price checkout %s.", checkout_ref)
        return NOTHING


@dataclass(frozen=True, slots=True)
class Look:
    """What was decided of a checkout; the decision's quote is one that units can express."""

    standing: Standing
    basket: BasketFacts
    decision: pricing.Decision
    quote: units.UnitQuote | None


def look(checkout_ref: str, sales: Iterable[DiscountInfo]) -> Look | None:
    """Decide the price of a checkout without changing anything; None when it is gone."""
    standing = basket.look(checkout_ref)
    if standing is None:
        return None
    facts = basket.basket_of(standing, sales)
    decision = pricing.decide(facts, standing)
    if decision.quote is None:
        return Look(standing, facts, decision, None)
    quote = units.in_units(decision.quote, facts)
    return Look(standing, facts, replace(decision, quote=quote.quote), quote)


def _guarded(checkout_ref: str, sales: list[DiscountInfo]) -> Price:
    """Price it once, so that after a fault all hooks of the request agree to price nothing."""
    try:
        with _shield():
            return _price(checkout_ref, sales)
    except Exception:
        logger.exception("Could not price checkout %s.", checkout_ref)
        return NOTHING


@contextmanager
def _shield() -> Iterator[None]:
    """Keep Saleor's transaction usable after a failed statement of ours."""
    if not connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        yield


def _price(checkout_ref: str, sales: list[DiscountInfo]) -> Price:
    price, must_fit = _pass(checkout_ref, sales)
    if not must_fit:
        return price
    if connection.in_atomic_block:
        # Locks for the hold belong after those of the transaction that is going on.
        transaction.on_commit(lambda: _fit(checkout_ref))
        return price
    _fit(checkout_ref)
    fitted, _ = _pass(checkout_ref, sales)
    return replace(fitted, is_voucher_renewed=price.is_voucher_renewed or fitted.is_voucher_renewed)


def _pass(checkout_ref: str, sales: list[DiscountInfo]) -> tuple[Price, bool]:
    """Return the price, and whether the cart changed under a hold that has to follow it."""
    found = look(checkout_ref, sales)
    if found is None:
        return NOTHING, False
    is_voucher_renewed = must_fit = False
    if found.decision.must_store:
        _store(found.standing, found.decision)
        must_fit = _must_fit(found.standing, found.decision)
        is_voucher_renewed = _renew_voucher(found, sales)
    if found.quote is None:
        return Price({}, is_voucher_renewed=is_voucher_renewed), must_fit
    price = Price(
        lines=found.quote.lines,
        remainder_minor=found.quote.remainder_minor,
        has_free_shipping=found.quote.quote.has_free_shipping,
        is_voucher_renewed=is_voucher_renewed,
    )
    return price, must_fit


def _must_fit(standing: Standing, decision: pricing.Decision) -> bool:
    """Tell whether points are held for a cart that has changed, in its lines or its customer."""
    stored, quote = standing.stored, decision.quote
    if not standing.extra["has_hold"] or stored is None or quote is None:
        return False
    return stored.basket_fingerprint != quote.basket_fingerprint


def _fit(checkout_ref: str) -> None:
    from saleor_retention.services.checkout import redeeming  # here: it asks for the host itself

    try:
        redeeming.fit_hold(checkout_ref)
    except Exception:
        logger.exception("Could not fit the points of checkout %s to its cart.", checkout_ref)


def _store(standing: Standing, decision: pricing.Decision) -> None:
    """Make the stored quote what was decided: one statement."""
    quote = decision.quote
    read = {
        "checkout_ref": standing.checkout_ref,
        "read_fingerprint": standing.stored.fingerprint if standing.stored else "",
    }
    with connection.cursor() as cursor:
        if quote is None:
            cursor.execute(FORGET, read)
            return
        stored = {
            "account_id": decision.account_id,
            "version_id": decision.version_id,
            "user_ref": standing.user_ref or "",
            "tier": decision.tier or "",
            "basket_fingerprint": quote.basket_fingerprint,
            "fingerprint": quote.fingerprint,
            "payload": dump_quote(quote),
            "points_applied": quote.points_applied,
            "has_free_shipping": quote.has_free_shipping,
            "now": timezone.now(),
        }
        cursor.execute(STORE, read | stored)


def _renew_voucher(found: Look, sales: list[DiscountInfo]) -> bool:
    """Compute the voucher's discount afresh where prices changed under an unchanged cart.

    2.10.1 keeps it on the checkout and computes it with each change of the lines, not when the
    customer or what he is entitled to changes.
    """
    standing, quote = found.standing, found.decision.quote
    stored = standing.stored
    if not standing.extra["voucher_code"] or not found.basket.lines:
        return False
    if stored is None:
        has_changed = quote is not None and pricing.has_benefit(quote)
    else:
        has_changed = (
            quote is None
            or stored.user_ref != standing.user_ref
            or stored.basket_fingerprint == quote.basket_fingerprint
        )
    checkout = Checkout.objects.filter(pk=standing.checkout_ref).first() if has_changed else None
    if checkout is None:
        return False
    before = (checkout.discount_amount, checkout.voucher_code)
    recalculate_checkout_discount(checkout, list(checkout), sales)
    return before != (checkout.discount_amount, checkout.voucher_code)
