"""A campaign that gives an offer: who got it pays less, until it is used up."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sandbox import paths
from tests.acceptance.client import Client
from tests.acceptance.figures import from_net, shown
from tests.acceptance.offers import applied_to
from tests.acceptance.retention import member, open_program
from tests.acceptance.shop import Shop
from tests.acceptance.storefront import fill_cart, sign_up

pytestmark = pytest.mark.saleor3


def operation(name: str) -> str:
    """Return a ready operation."""
    return (paths.ROOT / "graphql" / f"{name}.graphql").read_text()


def granted(client: Client, channel: str) -> list[dict[str, Any]]:
    """Return the offers that were given to the asking customer."""
    answer = client.ask(operation("storefront/punch-cards"), channel=channel)
    found: list[dict[str, Any]] = answer["me"]["retention"]["grantedOffers"]
    return found


def test_an_offer_comes_with_a_campaign(shop: Shop) -> None:
    """A quarter off A, once: for Ada, in the cart that was open too, not for Ben who came later.

    A costs 80.
    """
    # given: an offer for those who were given it, a campaign of today, a member with an open cart
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    offer = shop.owner.do(
        operation("staff/offer-create"),
        programId=program.id,
        input={
            "slug": "for-you",
            "name": "For you",
            "offer": {
                "kind": "MEMBER_PRICE",
                "memberPrice": {"select": {"variants": [shop.variants["A"]]}, "percent": 25},
                "audience": {"grantedOnly": True},
                "limits": {"perCustomer": 1},
            },
        },
    )["offer"]
    campaign = shop.owner.do(
        operation("staff/campaign-create"),
        programId=program.id,
        input={
            "slug": "thanks",
            "name": "Thanks",
            "campaign": {
                "trigger": {"kind": "ONCE", "on": dt.datetime.now(dt.UTC).date().isoformat()},
                "benefit": {"offer": {"slug": "for-you", "validForDays": 7}},
                "limits": {"sendAt": "00:00"},
            },
        },
    )["campaign"]
    ada = sign_up(shop, channel)
    member(ada.client, channel)
    cart = fill_cart(shop, channel, ada, A=1)
    assert shown(cart.read()["subtotalPrice"]) == from_net(80, 10)

    # when: the campaign runs, as its tasks do
    shop.owner.do(operation("staff/campaign-start"), id=campaign["id"])
    shop.run_task("saleor_retention.tasks.plan_campaigns")
    shop.run_task("saleor_retention.tasks.send_messages")
    ben = sign_up(shop, channel)

    # then: she sees it, and her cart has it; he has neither
    (mine,) = granted(ada.client, channel.slug)
    assert (mine["offerId"], mine["name"]) == (offer["id"], "For you")
    assert granted(ben.client, channel.slug) == []
    assert shown(cart.read()["subtotalPrice"]) == from_net(60, 10)
    assert applied_to(cart) == {"For you": 20}
    assert applied_to(fill_cart(shop, channel, ben, A=1)) == {}

    # and: once, though the tasks run again
    order = cart.buy()
    assert shown(order["subtotal"]) == from_net(60, 10)
    shop.run_task("saleor_retention.tasks.plan_campaigns")
    shop.run_task("saleor_retention.tasks.send_messages")
    assert shown(fill_cart(shop, channel, ada, A=1).read()["subtotalPrice"]) == from_net(80, 10)
