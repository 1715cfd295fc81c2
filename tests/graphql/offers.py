"""Offers for the tests of the API, set up through the API itself."""

from __future__ import annotations

from typing import Any

from tests.graphql.world import Actor, World, gid, operation, staff


def usd(amount: str) -> list[dict[str, Any]]:
    """Return an amount as the input takes it."""
    return [{"currency": "USD", "amount": amount}]


def goods(*variants: Any) -> dict[str, Any]:
    """Return a selection of the variants' products."""
    return {"products": [gid("Product", variant.product) for variant in variants]}


def three_for_two(variant: Any, **more: Any) -> dict[str, Any]:
    """Return the input of a bundle of three units of a product, the cheapest free."""
    parts = [{"select": goods(variant), "quantity": 3}]
    return {"kind": "BUNDLE", "bundle": {"parts": parts, "cheapestFree": 1}, **more}


def ten_off(variant: Any, **more: Any) -> dict[str, Any]:
    """Return the input of a price of ten per cent less on a product."""
    price = {"select": goods(variant), "percent": 10}
    return {"kind": "MEMBER_PRICE", "memberPrice": price, **more}


def five_off_from_fifty(**more: Any) -> dict[str, Any]:
    """Return the input of a threshold: 5.00 off from 50.00."""
    steps = [{"fromAmounts": usd("50.00"), "amounts": usd("5.00")}]
    return {"kind": "THRESHOLD", "threshold": {"steps": steps}, **more}


def make(
    world: World,
    offer: dict[str, Any],
    slug: str = "one",
    *,
    actor: Actor | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Create an offer and return what the API says of it."""
    given = {"slug": slug, "name": slug.capitalize(), "offer": offer, **more}
    payload = (actor or staff("manage_discounts")).do(
        operation("staff/offer-create"), programId=world.program_id, input=given
    )
    made: dict[str, Any] = payload["offer"]
    return made
