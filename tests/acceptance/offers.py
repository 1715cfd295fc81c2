"""Offers as staff set them up and a storefront shows them."""

from __future__ import annotations

import itertools
from typing import Any

from tests.acceptance.client import Client
from tests.acceptance.retention import AnyCart, Program

_numbers = itertools.count(1)

OFFERS = """
fragment Offers on RetentionCheckout {
  offers {
    applied { offerId name kind uses amount { amount } }
    nearMisses { offerId code text missing missingAmount { amount } }
    giftChoices { offerId variantIds quantity picked }
    saving { amount } isOptimal gap { amount }
  }
}
"""
GIFT_PICK = """
mutation ($checkout: ID!, $offer: ID!, $variants: [ID!]) {
  retentionGiftPick(checkoutId: $checkout, offerId: $offer, variantIds: $variants) {
    checkout { id } errors { field message code }
  }
}
"""


def amounts(amount: str, currency: str = "USD") -> list[dict[str, Any]]:
    """Return an amount as inputs take it."""
    return [{"currency": currency, "amount": amount}]


def offer(program: Program, name: str, **said: Any) -> str:
    """Set an offer up and return its id."""
    payload = program.shop.owner.do(
        """mutation ($program: ID!, $input: RetentionOfferCreateInput!) {
          retentionOfferCreate(programId: $program, input: $input) {
            offer { id sentence } errors { field message code }
          }
        }""",
        program=program.id,
        input={"slug": f"offer-{next(_numbers)}", "name": name, "offer": said},
    )
    made: str = payload["offer"]["id"]
    return made


def bundle(program: Program, name: str, parts: dict[str, int], **said: Any) -> str:
    """Offer goods together: ``parts`` are variants and how many of each."""
    rows = [
        {"select": {"variants": [variant]}, "quantity": count} for variant, count in parts.items()
    ]
    cuts = {
        key: said.pop(key)
        for key in ("prices", "amounts", "percent", "cheapestFree")
        if key in said
    }
    return offer(program, name, kind="BUNDLE", bundle={"parts": rows, **cuts}, **said)


def offers_of(cart: AnyCart) -> dict[str, Any]:
    """Return what a storefront shows of the offers of a cart."""
    found: dict[str, Any] = cart.ask("retention { ...Offers }", OFFERS)["retention"]["offers"]
    return found


def applied_to(cart: AnyCart) -> dict[str, Any]:
    """Return the offers that the cart's price has, by name, with what each takes off."""
    return {row["name"]: row["amount"]["amount"] for row in offers_of(cart)["applied"]}


def pick_gifts(client: Client, cart: AnyCart, offer_id: str, *variants: str) -> None:
    """Choose gifts, or none."""
    client.do(GIFT_PICK, checkout=cart.id, offer=offer_id, variants=list(variants))


def refuse_gift(client: Client, cart: AnyCart, offer_id: str, variant: str) -> list[dict[str, Any]]:
    """Choose a gift that must be refused; return the errors."""
    return client.refused(GIFT_PICK, checkout=cart.id, offer=offer_id, variants=[variant])
