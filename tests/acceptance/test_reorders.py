"""The reminder that goods run out, and the checkout that one click makes of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sandbox import paths
from tests.acceptance.figures import from_net
from tests.acceptance.orders import bulk_order
from tests.acceptance.retention import open_program
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import Cart, Shopper, sign_up
from tests.acceptance.test_concurrency import at_once

pytestmark = pytest.mark.saleor3


def operation(name: str) -> str:
    """Return a ready operation."""
    return (paths.ROOT / "graphql" / f"{name}.graphql").read_text()


def remind_of(shop: Shop, program_id: str, *names: str) -> None:
    """Run a campaign that gives five points when goods run out."""
    campaign = shop.owner.do(
        operation("staff/campaign-create"),
        programId=program_id,
        input={
            "slug": "again",
            "name": "Again",
            "campaign": {
                "trigger": {
                    "kind": "RUN_OUT",
                    "variants": [shop.variants[name] for name in names],
                    "daysBefore": 3,
                },
                "benefit": {"points": 5},
            },
        },
    )["campaign"]
    shop.owner.do(operation("staff/campaign-start"), id=campaign["id"])


def live_at(shopper: Shopper, channel: Channel) -> None:
    """Save a home in the customer's address book."""
    shopper.client.do(
        """mutation ($input: AddressInput!, $type: AddressTypeEnum) {
          accountAddressCreate(input: $input, type: $type) { errors { field message code } }
        }""",
        input=channel.address,
        type="SHIPPING",
    )


def delist(shop: Shop, channel: Channel, name: str) -> None:
    """Sell a product in a channel no more."""
    shop.owner.do(
        """mutation ($id: ID!, $input: ProductChannelListingUpdateInput!) {
          productChannelListingUpdate(id: $id, input: $input) { errors { field message code } }
        }""",
        id=shop.products[name],
        input={"updateChannels": [{"channelId": channel.id, "isPublished": False}]},
    )


def click(shopper: Shopper, channel: Channel) -> dict[str, Any]:
    """Follow the link of the reminder."""
    return shopper.client.do(operation("storefront/reorder"), channel=channel.slug)


def test_one_click_from_the_reminder_to_the_order(shop: Shop) -> None:
    """Two A a month and one B: the third of B is gone, so three clicks make one checkout of A."""
    # given: a customer of three months, with a home
    channel = shop.open_channel()
    program = open_program(shop, [channel])
    remind_of(shop, program.id, "A", "B")
    ada = sign_up(shop, channel)
    live_at(ada, channel)
    for days_ago in (90, 60, 30):
        for name, quantity in (("A", 2), ("B", 1)):
            bulk_order(
                shop,
                channel,
                user=ada.id,
                name=name,
                quantity=quantity,
                price=from_net(100, 10),
                days_ago=days_ago,
            )
    today = dt.datetime.now(dt.UTC).date()

    # when: she looks, the shop takes B out, and she clicks three times at once
    seen = ada.client.ask(operation("storefront/run-outs"), channel=channel.slug)
    delist(shop, channel, "B")
    payloads = at_once([lambda: click(ada, channel)] * 3)

    # then
    assert [
        (row["name"], row["supply"], row["usualQuantity"], row["runsOutOn"], row["isFirm"])
        for row in seen["me"]["retention"]["runOuts"]
    ] == [
        ("Product A (A)", "RUNNING_OUT", 2, str(today), False),
        ("Product B (B)", "RUNNING_OUT", 1, str(today), False),
    ]
    assert sorted(payload["isNew"] for payload in payloads) == [False, False, True]
    assert len({payload["checkout"]["id"] for payload in payloads}) == 1
    for payload in payloads:
        assert [
            (row["variant"]["id"], row["quantity"]) for row in payload["checkout"]["lines"]
        ] == [(shop.variants["A"], 2)]
        assert [(row["variantId"], row["lack"]) for row in payload["missing"]] == [
            (shop.variants["B"], "UNAVAILABLE")
        ]

    # and: it is a checkout like any other, with her address; once bought, nothing of A runs out
    cart = Cart(shop, channel, ada.client, payloads[0]["checkout"]["id"])
    kept = cart.ask("email user { id } shippingAddress { streetAddress1 postalCode }")
    assert kept == {
        "email": ada.email,
        "user": {"id": ada.id},
        "shippingAddress": {
            "streetAddress1": channel.address["streetAddress1"],
            "postalCode": channel.address["postalCode"],
        },
    }
    order = cart.buy()
    assert [(row["productSku"], row["quantity"]) for row in order["lines"]] == [("A", 2)]
    refusals = ada.client.refused(operation("storefront/reorder"), channel=channel.slug)
    assert [(row["code"], row["message"]) for row in refusals] == [
        ("INVALID", '"Product B (B)" is not sold here any more.')
    ]
    again = ada.client.ask(operation("storefront/run-outs"), channel=channel.slug)
    assert {row["variantId"]: row["supply"] for row in again["me"]["retention"]["runOuts"]} == {
        shop.variants["A"]: "LASTING",
        shop.variants["B"]: "RUNNING_OUT",
    }
