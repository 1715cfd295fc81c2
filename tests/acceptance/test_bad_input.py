"""Bad input: each is refused in words that name the field, and nothing has changed after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.figures import from_net, shown
from tests.acceptance.retention import (
    IN_ZLOTY_TOO,
    RULES,
    balance,
    history,
    member,
    open_program,
    points_of_cart,
    refuse_redemption,
)
from tests.acceptance.server import run_command
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.stage import Stage
from tests.acceptance.storefront import fill_cart

pytestmark = pytest.mark.saleor3

CREATE = """
mutation ($input: RetentionProgramCreateInput!) {
  retentionProgramCreate(input: $input) { program { id } errors { field message code } }
}
"""
ADJUST = """
mutation ($id: ID!, $points: RetentionWholeNumber!, $key: String!) {
  retentionPointsAdjust(memberId: $id, points: $points, reason: "Because", key: $key) {
    isNew errors { field message code }
  }
}
"""
PROGRAMS = "query { retentionPrograms(first: 100) { edges { node { slug version isActive } } } }"
HUGE = 10**12


@pytest.mark.parametrize(
    ("points", "code"),
    [
        (-1, "INVALID"),
        (0.5, "INVALID"),
        (1.0000001, "INVALID"),
        (HUGE, "INVALID"),
        (101, "NOT_ENOUGH_POINTS"),
        (2**31 - 1, "NOT_ENOUGH_POINTS"),
    ],
)
def test_points_that_cannot_be_set(stage: Stage, points: float, code: str) -> None:
    """Negative, fractional, enormous, or more than there are."""
    # given
    ada = stage.shopper()
    cart = stage.cart(ada, A=1)

    # when
    (error,) = refuse_redemption(cart, points)

    # then
    assert (error["field"], error["code"]) == ("points", code)
    assert error["message"]
    assert balance(ada.client, stage.net) == (100, 0, 0, 0)
    assert shown(cart.read()["subtotalPrice"]) == from_net(80, 10)
    assert points_of_cart(cart)["redemption"] is None


@pytest.mark.parametrize("points", ["a hundred", True, None])
def test_points_that_are_no_number(stage: Stage, points: Any) -> None:
    """What is no number at all does not get as far as the plugin."""
    ada = stage.shopper()
    cart = stage.cart(ada, A=1)

    ada.client.rejected(
        """mutation ($id: ID!, $points: RetentionWholeNumber!) {
          retentionRedemptionSet(checkoutId: $id, points: $points) { errors { code } }
        }""",
        id=cart.id,
        points=points,
    )

    assert balance(ada.client, stage.net) == (100, 0, 0, 0)


def test_checkouts_that_are_not_hers(stage: Stage) -> None:
    """Unknown ids, ids of other things, a guest's and another customer's checkout."""
    # given
    ada, eve = stage.shopper(), stage.shopper()
    hers = stage.cart(ada, A=1)
    guests = stage.cart(None, A=1)
    gone = "Q2hlY2tvdXQ6MDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw"
    garbage = ("", "abc", stage.shop.products["A"], gone, gone * 100)

    def code_for(checkout: str) -> Any:
        errors = eve.client.refused(
            """mutation ($id: ID!) {
              retentionRedemptionSet(checkoutId: $id, points: 50) {
                errors { field message code }
              }
            }""",
            id=checkout,
        )
        return [(error["field"], error["code"]) for error in errors]

    # when, then
    for checkout in garbage:
        assert code_for(checkout) == [("checkoutId", "NOT_FOUND")], checkout
    for cart in (hers, guests):
        assert code_for(cart.id)[0][1] in {"PERMISSION_DENIED", "NOT_FOUND"}
    assert balance(ada.client, stage.net) == (100, 0, 0, 0)
    assert balance(eve.client, stage.net) == (100, 0, 0, 0)


def test_nobody_spends_without_signing_in(stage: Stage) -> None:
    """A guest is asked to sign in."""
    cart = stage.cart(None, A=1)

    (error,) = refuse_redemption(cart, 50)

    assert error["code"] == "LOGIN_REQUIRED"


def test_a_channel_without_a_program(shop: Shop, stage: Stage) -> None:
    """Where no program runs there are no points to set."""
    ada = stage.shopper()
    cart = fill_cart(shop, shop.open_channel(), ada, A=1)

    (error,) = refuse_redemption(cart, 50)

    assert (error["field"], error["code"]) == ("checkoutId", "PROGRAM_INACTIVE")


def test_a_currency_without_a_rate(shop: Shop) -> None:
    """A channel in whose currency points are not earned, or have no value, is refused."""
    # given
    channel = shop.open_channel(currency="PLN", country="PL", is_gross=True)
    dollars = shop.open_channel()
    before = shop.owner.ask(PROGRAMS)
    program = {"slug": "zloty", "name": "Zloty", "channels": [channel.slug, dollars.slug]}

    # when
    (error,) = shop.owner.refused(CREATE, input={**program, "rules": RULES})

    # then
    assert (error["field"], error["code"]) == ("rules.earn.rates.PLN", "CURRENCY_WITHOUT_RATE")
    assert "PLN" in error["message"]
    assert shop.owner.ask(PROGRAMS) == before

    # and: points that are earned there and can be spent need a value
    rules = {**RULES, "earn": IN_ZLOTY_TOO["earn"], "reference": IN_ZLOTY_TOO["reference"]}
    (error,) = shop.owner.refused(CREATE, input={**program, "rules": rules})
    assert (error["field"], error["code"]) == ("rules.pointValues.PLN", "CURRENCY_WITHOUT_RATE")
    assert shop.owner.ask(PROGRAMS) == before

    # and: where they cannot be spent they need none
    opened = open_program(shop, [dollars, channel], {**rules, "redemption": {"enabled": False}})
    ada = Stage(shop, dollars, channel, opened).shopper()
    fill_cart(shop, channel, ada, A=1).buy()
    assert balance(ada.client, dollars) == (100 + 16, 0, 0, 0)  # 80.00 gross, 65.04 net, by 4


def _ladder(*tiers: tuple[str, str]) -> dict[str, Any]:
    return {
        "tiers": {
            "metric": "SPEND",
            "ladder": [
                {"slug": slug, "name": slug.title(), "threshold": threshold}
                for slug, threshold in tiers
            ],
        }
    }


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"earn": {"rates": [{"currency": "USD", "points": "1", "per": "0"}]}}, "earn.rates"),
        ({"earn": {"rates": [{"currency": "USD", "points": "1", "per": "-1"}]}}, "earn.rates"),
        ({"earn": {"rates": [{"currency": "USD", "points": "-1", "per": "1"}]}}, "earn.rates"),
        ({"pointValues": [{"currency": "USD", "amount": "-0.01"}]}, "pointValues"),
        ({"pointValues": [{"currency": "USD", "amount": "1" + "0" * 40}]}, "pointValues"),
        ({"welcomePoints": -1}, "welcomePoints"),
        ({"welcomePoints": 1.5}, "welcomePoints"),
        ({"welcomePoints": HUGE}, "welcomePoints"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"redemption": {"orderShareMax": "1.5"}}, "redemption"),
        ({"redemption": {"blockPoints": 0}}, "redemption"),
        (_ladder(("gold", "100"), ("gold", "200")), "tiers"),
        (_ladder(("gold", "100"), ("vip", "100")), "tiers"),
        (_ladder(("gold", "200"), ("vip", "100")), "tiers"),
        (_ladder(("gold", "-5")), "tiers"),
        (
            {
                "earn": {"rates": [{"currency": "USD", "points": "0", "per": "1"}]},
                "tiers": {
                    "metric": "POINTS",
                    "ladder": [{"slug": "vip", "name": "VIP", "threshold": "10"}],
                },
            },
            "tiers",
        ),
        (
            {
                "tiers": {
                    "ladder": [
                        {
                            "slug": "vip",
                            "name": "VIP",
                            "threshold": "1",
                            "prices": [{"percent": "101"}],
                        }
                    ]
                }
            },
            "tiers",
        ),
    ],
)
def test_rules_that_cannot_be(
    shop: Shop, bare_channel: Channel, rules: dict[str, Any], field: str
) -> None:
    """A program that makes no sense is not created; the error names the place."""
    # given
    before = shop.owner.ask(PROGRAMS)

    # when
    errors = shop.owner.refused(
        CREATE,
        input={
            "slug": "nonsense",
            "name": "Nonsense",
            "channels": [bare_channel.slug],
            "rules": {**RULES, **rules},
        },
    )

    # then
    assert any(f"rules.{field}" in (error["field"] or "") for error in errors), errors
    assert all(error["message"] for error in errors)
    assert shop.owner.ask(PROGRAMS) == before


def test_all_problems_are_told_at_once(shop: Shop, bare_channel: Channel) -> None:
    """Whoever made three mistakes hears of three."""
    errors = shop.owner.refused(
        CREATE,
        input={
            "slug": "nonsense",
            "name": "Nonsense",
            "channels": [bare_channel.slug],
            "rules": {**RULES, "timeZone": "Nowhere", "welcomePoints": -1, "firstOrderPoints": -2},
        },
    )

    fields = {error["field"] for error in errors}
    assert {"rules.timeZone", "rules.welcomePoints", "rules.firstOrderPoints"} <= fields


def test_a_second_program_in_a_channel(shop: Shop, stage: Stage) -> None:
    """A channel has at most one active program, and slugs are unique."""
    # given
    before = shop.owner.ask(PROGRAMS)

    # when
    taken = shop.owner.refused(
        CREATE,
        input={"slug": "second", "name": "Second", "channels": [stage.net.slug], "rules": RULES},
    )
    unknown = shop.owner.refused(
        CREATE,
        input={"slug": "second", "name": "Second", "channels": ["nowhere"], "rules": RULES},
    )
    named = shop.owner.refused(
        CREATE,
        input={
            "slug": stage.program.slug,
            "name": "Second",
            "channels": [shop.open_channel().slug],
            "rules": RULES,
        },
    )

    # then
    assert [error["field"] for error in taken] == ["channels"]
    assert [(error["field"], error["code"]) for error in unknown] == [("channels.0", "NOT_FOUND")]
    assert [(error["field"], error["code"]) for error in named] == [("slug", "UNIQUE")]
    assert shop.owner.ask(PROGRAMS) == before


def test_points_that_staff_cannot_give(stage: Stage) -> None:
    """Above the limit, fractional, without permission, to nobody; a key counts once."""
    # given
    ada = stage.shopper()
    shop = stage.shop
    account = member(ada.client, stage.net)["id"]

    # when, then
    for points, code in ((100_001, "LIMIT_REACHED"), (0.5, "INVALID"), (HUGE, "INVALID")):
        errors = shop.owner.refused(ADJUST, id=account, points=points, key=f"{ada.id}{points}")
        assert [(error["field"], error["code"]) for error in errors] == [("points", code)]
    (error,) = shop.owner.refused(ADJUST, id=account, points=-101, key=f"{ada.id}less")
    assert error["code"] == "NOT_ENOUGH_POINTS"
    (error,) = shop.owner.refused(ADJUST, id="abc", points=1, key=f"{ada.id}nobody")
    assert (error["field"], error["code"]) == ("memberId", "NOT_FOUND")
    for caller in (shop.anonymous, ada.client, shop.till, shop.login("orders@shop.example")):
        (error,) = caller.rejected(ADJUST, id=account, points=1, key=f"{ada.id}theft")
        assert error["extensions"]["exception"]["code"] == "PermissionDenied"
    assert balance(ada.client, stage.net) == (100, 0, 0, 0)
    assert history(ada.client, stage.net) == [("BONUS", 100)]

    # and: the same key again is the same gift, with another number an error
    for is_new in (True, False):
        answer = shop.owner.do(ADJUST, id=account, points=5, key=f"{ada.id}gift")
        assert answer["isNew"] is is_new
    (error,) = shop.owner.refused(ADJUST, id=account, points=6, key=f"{ada.id}gift")
    assert error["code"] == "KEY_REUSED"
    assert balance(ada.client, stage.net) == (105, 0, 0, 0)


def test_a_file_with_an_unknown_key(shop: Shop, bare_channel: Channel, tmp_path: Path) -> None:
    """A rules file that says something the program does not know is refused, by line and key."""
    # given
    before = shop.owner.ask(PROGRAMS)
    file = tmp_path / "programs.yaml"
    file.write_text(
        "version: 1\n"
        "programs:\n"
        "  - program: {slug: friends, name: Friends, channels: [" + bare_channel.slug + "]}\n"
        "    rules:\n"
        "      earn: {rates: {USD: {points: 1, per: '1.00'}}}\n"
        "      bonus_points: 100\n"
    )

    # when
    refused = run_command(shop.processes, "retention_program", "apply", str(file))

    # then
    assert refused.returncode != 0
    assert "bonus_points" in refused.stderr
    assert shop.owner.ask(PROGRAMS) == before


@pytest.fixture(scope="module")
def bare_channel(shop: Shop) -> Channel:
    """A channel that no program takes."""
    return shop.open_channel(prices={"A": "80"})
