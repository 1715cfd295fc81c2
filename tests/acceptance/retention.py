"""The plugin's own operations, as a storefront and the staff send them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.acceptance.client import Client
from tests.acceptance.shop import Channel
from tests.acceptance.storefront import Cart, Shopper

_numbers = itertools.count(1)

ERRORS = "errors { field message code }"
MEMBER = """
fragment Member on RetentionMember {
  id number state
  balance { available pending held deficit }
  value { amount currency }
  tier { slug name isManual }
  nextTier { slug missing { amount { amount } orders points } }
  lots { points state expiresAt }
}
"""
CART = """
fragment Points on RetentionCheckout {
  earns redeemableMax redeemableValue { amount }
  redemption { points effectivePoints value { amount } grossValue { amount } lapsesAt }
  discounts { lineId ruleKey name amount { amount } }
  verdicts { ruleKey code text amount { amount } gap { amount { amount } } }
  saving { amount } freeShipping
}
"""
ORDER = "{ state quoted earned pending bonus clawedBack redeemed restored }"

RULES: dict[str, Any] = {
    "timeZone": "UTC",
    "earn": {"rates": [{"currency": "USD", "points": "1", "per": "1.00"}], "includeTax": False},
    "pointValues": [{"currency": "USD", "amount": "0.01"}],
    "reference": {"currency": "USD"},
    "welcomePoints": 100,
    "maturing": {"rule": "AT_ONCE"},
    "grants": {"pointsMax": 100_000},
    "tiers": {
        "metric": "SPEND",
        "window": "LIFETIME",
        "ladder": [
            {"slug": "vip", "name": "VIP", "threshold": "1000.00", "prices": [{"percent": "10"}]},
        ],
    },
}
IN_ZLOTY_TOO: dict[str, Any] = {
    "earn": {
        "rates": [*RULES["earn"]["rates"], {"currency": "PLN", "points": "1", "per": "4.00"}],
        "includeTax": False,
    },
    "pointValues": [*RULES["pointValues"], {"currency": "PLN", "amount": "0.04"}],
    "reference": {"currency": "USD", "rates": [{"currency": "PLN", "rate": "0.25"}]},
}
SET_REDEMPTION = f"""
mutation ($id: ID!, $points: RetentionWholeNumber!) {{
  retentionRedemptionSet(checkoutId: $id, points: $points) {{
    checkout {{ id retention {{ ...Points }} totalPrice {{ gross {{ amount }} }} }} {ERRORS}
  }}
}} {CART}"""


class Staffed(Protocol):
    """Whatever has an owner who is signed in."""

    @property
    def owner(self) -> Client:
        """The owner."""


class AnyCart(Protocol):
    """A checkout of either generation of Saleor."""

    id: str
    client: Client

    def ask(self, selection: str, fragments: str = "") -> dict[str, Any]:
        """Return some fields of the checkout."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs, and what staff do with it and its members."""

    shop: Staffed
    id: str
    slug: str

    def change(self, **rules: Any) -> None:
        """Change some rules; a new version decides from now on."""
        self.update(rules=rules)

    def update(self, **changes: Any) -> dict[str, Any]:
        """Change the program."""
        return self.shop.owner.do(
            f"""mutation ($id: ID!, $input: RetentionProgramInput!) {{
              retentionProgramUpdate(id: $id, input: $input) {{ program {{ version }} {ERRORS} }}
            }}""",
            id=self.id,
            input=changes,
        )

    def grant(self, shopper: Shopper, channel: Channel, points: int) -> None:
        """Give a member points, or take some away with a negative number."""
        self.shop.owner.do(
            f"""mutation (
              $id: ID!, $points: RetentionWholeNumber!, $reason: String!, $key: String!
            ) {{
              retentionPointsAdjust(memberId: $id, points: $points, reason: $reason, key: $key) {{
                {ERRORS}
              }}
            }}""",
            id=member(shopper.client, channel)["id"],
            points=points,
            reason="A story needs them",
            key=f"story-{next(_numbers)}",
        )

    def promote(self, shopper: Shopper, channel: Channel, tier: str = "vip") -> None:
        """Put a member into a tier by hand."""
        self.shop.owner.do(
            f"""mutation ($id: ID!, $tier: String!, $reason: String!) {{
              retentionTierOverride(memberId: $id, tier: $tier, reason: $reason) {{ {ERRORS} }}
            }}""",
            id=member(shopper.client, channel)["id"],
            tier=tier,
            reason="A story needs it",
        )


def open_program(
    shop: Staffed, channels: Iterable[Channel], rules: Mapping[str, Any] | None = None, **more: Any
) -> Program:
    """Start a program in some channels: the standard rules, with others in their place."""
    slug = f"program-{next(_numbers)}"
    payload = shop.owner.do(
        f"""mutation ($input: RetentionProgramCreateInput!) {{
          retentionProgramCreate(input: $input) {{ program {{ id }} {ERRORS} }}
        }}""",
        input={
            "slug": slug,
            "name": "Friends",
            "channels": [channel.slug for channel in channels],
            "rules": {**RULES, **(rules or {})},
            **more,
        },
    )
    return Program(shop, payload["program"]["id"], slug)


def member(client: Client, channel: Channel) -> dict[str, Any]:
    """Return the asking customer's membership."""
    answer = client.ask(
        f"""query ($channel: String) {{
          me {{ retention(channel: $channel) {{ ...Member }} }}
        }} {MEMBER}""",
        channel=channel.slug,
    )
    found: dict[str, Any] = answer["me"]["retention"]
    return found


def balance(client: Client, channel: Channel) -> tuple[int, int, int, int]:
    """Return what is available, pending, held and owed."""
    points = member(client, channel)["balance"]
    return points["available"], points["pending"], points["held"], points["deficit"]


def history(client: Client, channel: Channel) -> list[tuple[str, int]]:
    """Return the kinds and points of a member's movements, oldest first."""
    answer = client.ask(
        """query ($channel: String) {
          me { retention(channel: $channel) {
            history(first: 100) { edges { node { kind points text } } }
          } }
        }""",
        channel=channel.slug,
    )
    edges = answer["me"]["retention"]["history"]["edges"]
    return [(edge["node"]["kind"], edge["node"]["points"]) for edge in reversed(edges)]


def points_of_cart(cart: AnyCart) -> dict[str, Any]:
    """Return what the program says of a checkout, with its prices as they are now."""
    found: dict[str, Any] = cart.ask("retention { ...Points }", CART)["retention"]
    return found


def points_of_order(shop: Staffed, order: str) -> dict[str, Any]:
    """Return what an order did to its customer's points."""
    answer = shop.owner.ask(
        f"query ($id: ID!) {{ order(id: $id) {{ retention {ORDER} }} }}", id=order
    )
    found: dict[str, Any] = answer["order"]["retention"]
    return found


def redeem(cart: AnyCart, points: int) -> dict[str, Any]:
    """Set the points that a checkout is paid with; return the checkout's points."""
    payload = cart.client.do(SET_REDEMPTION, id=cart.id, points=points)
    found: dict[str, Any] = payload["checkout"]["retention"]
    return found


def refuse_redemption(cart: Cart, points: Any) -> list[dict[str, Any]]:
    """Ask for a redemption that must be refused; return the errors."""
    return cart.client.refused(SET_REDEMPTION, id=cart.id, points=points)


def clear_redemption(cart: Cart) -> None:
    """Take the points of a checkout back."""
    cart.client.do(
        f"""mutation ($id: ID!) {{
          retentionRedemptionClear(checkoutId: $id) {{ {ERRORS} }}
        }}""",
        id=cart.id,
    )
