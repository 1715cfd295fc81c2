"""What runs out, as its customer sees it, and the checkout that a reminder becomes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from saleor_retention.services.campaigning import campaigns
from saleor_retention.services.setting_up import programs
from tests.campaigns import QUESTIONS, campaign_of
from tests.factories.current import factories
from tests.graphql.world import (
    IS_SALEOR_3,
    Actor,
    World,
    bought,
    customer,
    gid,
    operation,
)

pytestmark = pytest.mark.django_db(databases="__all__")

only_saleor_3 = pytest.mark.skipif(not IS_SALEOR_3, reason="Saleor 2.10 has one open checkout")
only_saleor_2 = pytest.mark.skipif(IS_SALEOR_3, reason="Saleor 3 opens checkouts")
MONTHLY = (90, 60, 30)  # days ago: what was bought last runs out today
HOME = {
    "first_name": "Ada",
    "last_name": "Byron",
    "street_address_1": "1 Main St",
    "city": "New York",
    "postal_code": "10001",
    "country": "US",
    "country_area": "NY",
}


def reminds_of(world: World, *variants: Any) -> None:
    """Run a campaign that reminds of goods three days before they run out."""
    programs.update_program(program=world.program, changes={"questions": QUESTIONS})
    world.program.refresh_from_db()
    trigger = {"kind": "run_out", "variants": [str(variant.pk) for variant in variants]}
    campaigns.start_campaign(
        campaign_of(
            world.program,
            trigger,
            message={"channel": "sms", "texts": {"en": {"text": "{{ product }}"}}},
        )
    )


@pytest.fixture(autouse=True)
def _a_provider(settings: Any, tmp_path: Any) -> None:
    settings.RETENTION_SMS_FILE = str(tmp_path / "sms.jsonl")
    settings.RETENTION_PUBLIC_URL = "https://api.example.com"


def has_bought(
    world: World, variant: Any, *days_ago: int, quantity: int = 1, actor: Actor | None = None
) -> None:
    """Have a customer order something, some days ago."""
    column = "created_at" if IS_SALEOR_3 else "created"
    for days in days_ago:
        order = bought(world, {variant: quantity}, actor)
        then = timezone.now() - dt.timedelta(days)
        type(order).objects.filter(pk=order.pk).update(**{column: then})


def live_at(actor: Actor, shipping: dict[str, str], billing: dict[str, str]) -> None:
    """Give a customer default addresses."""
    from saleor.account.models import Address

    actor.user.default_shipping_address = Address.objects.create(**shipping)
    actor.user.default_billing_address = Address.objects.create(**billing)
    actor.user.save()


def checkouts(world: World) -> set[str]:
    """Return the owner's checkouts."""
    from saleor.checkout.models import Checkout

    rows = Checkout.objects.filter(user=world.owner.user)
    return {gid("Checkout", row) for row in rows}


def reorder(world: World, **variables: Any) -> dict[str, Any]:
    """Turn the owner's reminder into a checkout."""
    return world.owner.do(operation("storefront/reorder"), **variables)


def lines_of(payload: dict[str, Any]) -> dict[str, int]:
    """Return the quantities in a checkout, by variant."""
    return {row["variant"]["id"]: row["quantity"] for row in payload["checkout"]["lines"]}


def test_a_customer_sees_what_runs_out_and_when(world: World) -> None:
    """Tea by twos each month, coffee once, of which nothing can be said; rice nobody reminds of."""
    tea, coffee, rice = (factories().make_product("10.00") for _ in range(3))
    reminds_of(world, tea, coffee)
    has_bought(world, tea, *MONTHLY, quantity=2)
    has_bought(world, coffee, 10)
    has_bought(world, rice, *MONTHLY)
    today = timezone.now().date()

    answer = world.owner.ask(operation("storefront/run-outs"))
    world.owner = Actor("customer", world.owner.user, languages="zh-Hant")
    chinese = world.owner.ask(operation("storefront/run-outs"))

    first, second = answer["me"]["retention"]["runOuts"]
    assert first.pop("name").startswith("Product")
    assert first == {
        "variantId": gid("ProductVariant", tea),
        "supply": "RUNNING_OUT",
        "daysBought": 3,
        "lastBoughtOn": str(today - dt.timedelta(30)),
        "usualQuantity": 2,
        "remindedOn": str(today - dt.timedelta(3)),
        "runsOutOn": str(today),
        "earliestOn": str(today),
        "latestOn": str(today),
        "isFirm": False,
        "reason": None,
    }
    assert (second["variantId"], second["supply"]) == (gid("ProductVariant", coffee), "UNKNOWN")
    assert (second["runsOutOn"], second["remindedOn"]) == (None, None)
    assert second["reason"] == ("Bought on fewer than 3 days, which is too little to see a rhythm.")
    assert chinese["me"]["retention"]["runOuts"][1]["reason"] == (
        "購買的日子少於 3 天\uff0c看不出規律。"
    )


@only_saleor_3
def test_a_reminder_becomes_a_checkout_in_one_step(world: World) -> None:
    """The usual quantity, the customer's e-mail and home; asked again it is the same one."""
    from saleor.checkout.models import Checkout

    tea, coffee = (factories().make_product("10.00") for _ in range(2))
    reminds_of(world, tea, coffee)
    has_bought(world, tea, *MONTHLY, quantity=2)
    has_bought(world, coffee, 75, 45, 15)  # two weeks to go
    live_at(world.owner, HOME, HOME | {"country_area": "Nowhere"})
    user = world.owner.user

    made, again = reorder(world), reorder(world)

    assert (made["isNew"], made["missing"]) == (True, [])
    assert lines_of(made) == {gid("ProductVariant", tea): 2}
    assert made["checkout"]["email"] == user.email
    assert made["checkout"]["totalPrice"]["gross"] == {"amount": 20.0, "currency": "USD"}
    assert (again["isNew"], again["checkout"]) == (False, made["checkout"])
    assert checkouts(world) == {made["checkout"]["id"]}
    checkout = Checkout.objects.get(user=user)
    assert checkout.channel.slug == world.channel
    assert checkout.shipping_address.street_address_1 == "1 Main St"
    assert checkout.billing_address is None  # the shop does not take that one
    assert not checkout.save_shipping_address


@only_saleor_3
def test_what_is_not_there_is_named_and_the_rest_goes_in(world: World) -> None:
    """Less stock than usual, no listing any more, more than a customer may have."""
    from saleor.product.models import ProductChannelListing

    tea, coffee, sugar, salt = (factories().make_product("10.00") for _ in range(4))
    reminds_of(world, tea, coffee, sugar, salt)
    for variant in (tea, coffee, sugar, salt):
        has_bought(world, variant, *MONTHLY, quantity=2)
    coffee.stocks.update(quantity=7)  # six are ordered already
    ProductChannelListing.objects.filter(product=sugar.product).update(is_published=False)
    type(salt).objects.filter(pk=salt.pk).update(quantity_limit_per_customer=1)

    made, again = reorder(world), reorder(world)
    coffee.stocks.update(quantity=100)
    restocked = reorder(world)

    assert lines_of(made) == {gid("ProductVariant", tea): 2}
    assert {
        row["variantId"]: (row["lack"], row["quantity"], row["name"][:7]) for row in made["missing"]
    } == {
        gid("ProductVariant", coffee): ("OUT_OF_STOCK", 2, "Product"),
        gid("ProductVariant", sugar): ("UNAVAILABLE", 2, "Product"),
        gid("ProductVariant", salt): ("OVER_LIMIT", 2, "Product"),
    }
    assert (again["isNew"], again["checkout"]["id"]) == (False, made["checkout"]["id"])
    assert again["missing"] == made["missing"]
    assert restocked["isNew"]
    assert lines_of(restocked) == {gid("ProductVariant", each): 2 for each in (tea, coffee)}


@only_saleor_3
def test_nothing_that_can_be_bought_is_refused_by_name(world: World) -> None:
    """And no checkout is there afterwards."""
    tea = factories().make_product("10.00")
    reminds_of(world, tea)
    has_bought(world, tea, *MONTHLY)
    tea.stocks.update(quantity=0)

    assert world.owner.refused(operation("storefront/reorder")) == [(None, "INVALID")]
    assert checkouts(world) == set()


def test_nothing_due_is_refused(world: World) -> None:
    """Nothing bought, too little to see a rhythm, not these goods, not goods at all."""
    tea, coffee = (factories().make_product("10.00") for _ in range(2))
    reminds_of(world, tea, coffee)
    world.account()

    assert world.owner.refused(operation("storefront/reorder")) == [(None, "NOT_FOUND")]
    has_bought(world, tea, 20, 10)
    for variables, field in (
        ({}, None),
        ({"variantIds": [gid("ProductVariant", tea)]}, "variantIds"),
        ({"variantIds": []}, "variantIds"),
        ({"variantIds": [gid("ProductVariant", tea), "nonsense"]}, "variantIds.1"),
        ({"channel": "nowhere"}, "channel"),
    ):
        refused = world.owner.refused(operation("storefront/reorder"), **variables)
        assert refused == [(field, "NOT_FOUND")]
    assert checkouts(world) == set()


@only_saleor_3
def test_after_the_order_nothing_is_due(world: World) -> None:
    """The checkout becomes an order; its mark stays on it until the plugin is taken out."""
    from saleor.checkout.models import Checkout

    from saleor_retention import host

    tea = factories().make_product("10.00")
    reminds_of(world, tea)
    has_bought(world, tea, *MONTHLY)
    live_at(world.owner, HOME, HOME)
    made = reorder(world)
    checkout = Checkout.objects.get(user=world.owner.user)

    factories().set_delivery(checkout, world.owner.user)
    order = factories().complete(checkout)

    assert made["isNew"]
    assert world.owner.refused(operation("storefront/reorder")) == [(None, "NOT_FOUND")]
    assert "retention.reorder" in order.private_metadata
    assert [host.current().forget_orders(), host.current().forget_orders()] == [1, 0]
    order.refresh_from_db()
    assert "retention.reorder" not in order.private_metadata


@only_saleor_3
def test_goods_are_named_by_the_link_of_a_reminder(world: World) -> None:
    """Only those; and each customer's checkout is his own."""
    tea, coffee = (factories().make_product("10.00") for _ in range(2))
    reminds_of(world, tea, coffee)
    for actor in (world.owner, world.other):
        for variant in (tea, coffee):
            has_bought(world, variant, *MONTHLY, actor=actor)

    named = {"variantIds": [gid("ProductVariant", coffee)], "channel": world.channel}
    mine = reorder(world, **named)
    other = world.other.do(operation("storefront/reorder"), **named)
    everything = reorder(world)

    assert lines_of(mine) == lines_of(other) == {gid("ProductVariant", coffee): 1}
    assert mine["checkout"]["id"] != other["checkout"]["id"]
    assert lines_of(everything) == {gid("ProductVariant", each): 1 for each in (tea, coffee)}


@only_saleor_3
def test_stock_that_is_reserved_for_the_checkout_does_not_hide_it(world: World) -> None:
    """The shop reserves what is in checkouts of customers; the last bag is in his own."""
    from django.contrib.sites.models import Site

    settings = Site.objects.get_current().settings
    settings.reserve_stock_duration_authenticated_user = 30
    settings.save()
    Site.objects.clear_cache()
    tea = factories().make_product("10.00")
    reminds_of(world, tea)
    has_bought(world, tea, *MONTHLY)
    has_bought(world, tea, *MONTHLY, actor=world.other)
    tea.stocks.update(quantity=7)  # six are ordered already

    made, again = reorder(world), reorder(world)

    assert (made["isNew"], again["isNew"]) == (True, False)
    assert again["checkout"]["id"] == made["checkout"]["id"]
    assert world.other.refused(operation("storefront/reorder")) == [(None, "INVALID")]


@only_saleor_2
def test_saleor_2_says_that_it_cannot(world: World) -> None:
    """Its customers have one open checkout, which is what they are filling just now."""
    tea = factories().make_product("10.00")
    reminds_of(world, tea)
    has_bought(world, tea, *MONTHLY)
    checkout = world.checkout({tea: 1})

    assert world.owner.refused(operation("storefront/reorder")) == [(None, "NOT_SUPPORTED")]
    assert checkouts(world) == {checkout}


def test_a_newcomer_has_bought_nothing_again(world: World) -> None:
    """The list is empty, and there is no error."""
    reminds_of(world, factories().make_product("10.00"))

    answer = customer().ask(operation("storefront/run-outs"), channel=world.channel)

    assert answer["me"]["retention"]["runOuts"] == []
