"""Points, programs and tiers on a genuine checkout of the Saleor that the tests run on."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from saleor_retention.diagnosis import Level, diagnose
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Hold, HoldState, OrderRecord, Program, StoredQuote
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.membership import tiering
from saleor_retention.services.setting_up import programs
from tests.factories.loyalty import make_member, make_program
from tests.members import books, give

pytestmark = pytest.mark.django_db(transaction=True)

BY_HAND = {"reason": "Goodwill", "actor_ref": "user:1"}


@pytest.fixture
def program(make: Any) -> Program:
    """A point for a dollar, a point being a cent."""
    return make_program(make.make_channel())


@pytest.fixture
def member(make: Any, program: Program) -> Account:
    """A member with 1000 points that live for another day."""
    account = make_member(program, make.make_user("ada@shop.example"))
    give(account, 1000, expires_at=timezone.now() + dt.timedelta(days=1))
    return account


def redeem(account: Account, checkout: Any, points: int) -> Hold | None:
    """Set points on a checkout."""
    return redeeming.set_redemption(
        checkout_ref=str(checkout.pk), user_ref=str(account.user_id), points=points
    )


def test_a_cart_is_paid_partly_with_points(make: Any, member: Account) -> None:
    """20.00 and shipping for 10.00: 500 points take 5.00 off, are burned, and 15.00 earn 15."""
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})

    redeem(member, checkout, 500)

    assert make.checkout_total(checkout, member.user) == Decimal("25.00")
    order = make.complete(checkout)
    record = OrderRecord.objects.get(order_ref=str(order.pk))
    assert (record.redeemed, record.earned) == (500, 15)
    assert Hold.objects.get().state == HoldState.CAPTURED
    assert books(member) == (515, 0, 0, 0)
    assert breaches() == []


def test_the_hold_follows_the_cart(make: Any, member: Account) -> None:
    """From two to one at 4.00: 800 points become 400, in the same request."""
    variant = make.make_product("4.00")
    checkout = make.make_checkout(member.user, {variant: 2})
    redeem(member, checkout, 800)
    assert make.checkout_total(checkout, member.user) == Decimal("10.00")

    make.set_quantity(checkout, variant, 1, member.user)

    assert books(member) == (600, 0, 400, 0)
    assert make.checkout_total(checkout, member.user) == Decimal("10.00")
    make.detach(checkout, member.user)
    assert books(member) == (1000, 0, 0, 0)
    assert make.checkout_total(checkout) == Decimal("14.00")


def test_v7_a_canceled_order_gives_points_back_with_their_old_expiry(
    make: Any, member: Account
) -> None:
    """V7: redeemed one day before their expiry, canceled: no new life."""
    (lot,) = member.lots.all()
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    redeem(member, checkout, 500)
    order = make.complete(checkout)

    make.cancel(order)

    (after,) = member.lots.filter(remaining__gt=0)
    assert (after.pk, after.remaining, after.expires_at) == (lot.pk, 1000, lot.expires_at)
    assert books(member) == (1000, 0, 0, 0)
    assert breaches() == []


def test_points_are_not_there_twice(make: Any, member: Account) -> None:
    """The second cart is told what is left."""
    variant = make.make_product("20.00")
    first = make.make_checkout(member.user, {variant: 1})
    second = make.make_checkout(member.user, {variant: 1})
    redeem(member, first, 900)

    with pytest.raises(Refusal) as caught:
        redeem(member, second, 900)

    assert caught.value.code == Code.NOT_ENOUGH_POINTS
    assert caught.value.message == "900 points were asked for and 100 are left."
    assert make.checkout_total(second, member.user) == Decimal("30.00")


def test_a_lapsed_hold_leaves_the_price(make: Any, member: Account) -> None:
    """After an hour the points are back and the cart costs what it costs."""
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    redeem(member, checkout, 500)

    redeeming.lapse_due(timezone.now() + dt.timedelta(minutes=61))

    assert make.checkout_total(checkout, member.user) == Decimal("30.00")
    assert books(member) == (1000, 0, 0, 0)


def test_money_on_a_checkout_keeps_its_hold(make: Any, member: Account) -> None:
    """A charged checkout does not lose its points, and they cannot be changed any more."""
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    redeem(member, checkout, 500)
    make.pay(checkout)

    redeeming.lapse_due(timezone.now() + dt.timedelta(minutes=61))

    assert Hold.objects.get().state == HoldState.PLACED
    with pytest.raises(Refusal) as caught:
        redeem(member, checkout, 0)
    assert caught.value.code == Code.CHECKOUT_PAID


def test_new_rules_reach_open_carts(make: Any, member: Account, program: Program) -> None:
    """10 % off for VIPs becomes 20 %: the open cart shows it without being touched."""
    tiering.override(**BY_HAND, account_id=member.pk, tier="vip", valid_until=None)
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    assert make.checkout_total(checkout, member.user) == Decimal("28.00")

    edit = programs.change_tier("vip", {"prices": [{"percent": 20}]})
    programs.update_program(program=program, edit=edit)

    assert make.checkout_total(checkout, member.user) == Decimal("26.00")


def test_a_new_tier_reaches_open_carts(make: Any, member: Account) -> None:
    """Set by hand to VIP: the open cart is 10 % cheaper; and back when that ends."""
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    assert make.checkout_total(checkout, member.user) == Decimal("30.00")

    tiering.override(**BY_HAND, account_id=member.pk, tier="vip", valid_until=None)
    assert make.checkout_total(checkout, member.user) == Decimal("28.00")

    tiering.end_override(**BY_HAND, account_id=member.pk)
    assert make.checkout_total(checkout, member.user) == Decimal("30.00")


def test_a_file_names_goods_and_channels_of_the_shop(make: Any, tmp_path: Path) -> None:
    """Slugs and SKUs are found; the export names them again and applies without a change."""
    channel = make.make_channel()
    collection = make.make_collection("Summer")
    variant = make.make_product("20.00", collections=[collection])
    path = tmp_path / "programs.yaml"
    rates = "{rates: {USD: {points: 1, per: 1.00}}}"
    path.write_text(
        "version: 1\nprograms:\n"
        f"  - program: {{slug: club, name: Club, channels: [{channel.slug}]}}\n"
        f"    rules:\n      earn: {rates}\n      point_value: {{USD: 0.01}}\n"
        "      multipliers:\n        - name: Summer\n          factor: 2\n"
        f"          select: {{collections: [{collection.slug}], products: "
        f"[{variant.product.slug}], variants: ['{variant.sku}']}}\n"
    )

    call_command("retention_program", "apply", str(path), stdout=io.StringIO())
    out = io.StringIO()
    call_command("retention_program", "export", str(path), stdout=out)
    call_command("retention_program", "plan", str(path), stdout=out)

    assert out.getvalue().endswith("Nothing to do.\n")
    assert f"- {collection.slug}\n" in path.read_text()
    user = make.make_user("ada@shop.example")
    order = make.complete(make.make_checkout(user, {variant: 1}))
    assert OrderRecord.objects.get(order_ref=str(order.pk)).earned == 40


def test_the_doctor_finds_no_problem_in_a_sound_shop(make: Any, program: Program) -> None:
    """On the genuine host: tested version, prices, hooks, fields, schedule, tables, program."""
    assert make
    findings = diagnose(program.created_at + dt.timedelta(minutes=1))

    assert [finding for finding in findings if finding.level is Level.PROBLEM] == []
    sound = {finding.subject for finding in findings if finding.level is Level.OK}
    assert {"Saleor", "prices", "plugin", "GraphQL", "migrations", "triggers"} <= sound


def test_uninstalling_leaves_nothing_on_open_carts(make: Any, member: Account) -> None:
    """Member price and points are gone from the price, the points are back with the member."""
    Account.objects.update(tier="vip")
    checkout = make.make_checkout(member.user, {make.make_product("20.00"): 1})
    redeem(member, checkout, 500)
    assert make.checkout_total(checkout, member.user) == Decimal("23.00")

    call_command("retention_uninstall", "--no-input", stdout=io.StringIO())

    assert make.checkout_total(checkout, member.user) == Decimal("30.00")
    assert books(member) == (1000, 0, 0, 0)
    own = StoredQuote.objects.filter(checkout_ref=str(checkout.pk)).exclude(own_row_ids=[])
    assert not own.exists()


@pytest.mark.saleor3
def test_the_configuration_page_shows_and_changes_the_basics(make: Any) -> None:
    """Through Saleor's API, as the dashboard does: created, shown as it is, refused like a form."""
    staff = make.make_staff("manage_plugins")
    save = """mutation($fields: [ConfigurationItemInput!]) {
        pluginUpdate(id: "saleor.retention", input: { configuration: $fields }) {
          errors { field message } } }"""
    fields = [
        {"name": "points_per_unit", "value": "1"},
        {"name": "point_value", "value": "0.01"},
        {"name": "redemption", "value": "true"},
    ]
    made = make.ask(save, {"fields": fields}, staff)
    assert made["pluginUpdate"]["errors"] == []
    program = Program.objects.get()
    programs.update_program(program=program, changes={"welcome_points": 70})

    look = """{ plugin(id: "saleor.retention") { globalConfiguration {
        configuration { name value } } } }"""
    shown = make.ask(look, {}, staff)["plugin"]["globalConfiguration"]["configuration"]
    assert {item["name"]: item["value"] for item in shown} == {
        "points_per_unit": "1",
        "point_value": "0.01",
        "welcome_points": "70",
        "redemption": "true",
        "minimum_points": "1",
    }
    bad = [{"name": "welcome_points", "value": "-1"}]
    refused = make.ask(save, {"fields": bad}, staff)["pluginUpdate"]["errors"]
    assert refused == [
        {
            "field": "welcomePoints",
            "message": "welcome_points must not be negative; it is -1.",
        }
    ]
