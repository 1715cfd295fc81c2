"""Existing customers before an offer: who paid more, by how much, and points that make it good."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, Offer, OfferVersion, Transaction
from saleor_retention.services.membership import members
from saleor_retention.services.offering import fairness
from saleor_retention.services.offering.fairness import Customer, Outcome
from tests import ledger, past
from tests.fakes import at, line, order
from tests.ledger import Shop, balances

pytestmark = pytest.mark.django_db

NOW = at("2026-03-10 12:00")
TEA = GoodsFacts(variant_ref="v1", product_ref="1")
CUP = GoodsFacts(variant_ref="v2", product_ref="2")
TENTH_OFF_TEA = {
    "kind": "member_price",
    "member_price": {"select": {"products": ["1"]}, "percent": 10},
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points are worth a cent; at most 150 can be granted at once."""
    return ledger.open_shop(monkeypatch, grants={"points_max": 150})


def offer(shop: Shop, document: dict[str, Any] | None = None, slug: str = "tea") -> Offer:
    """Return an offer with one version."""
    document = document or TENTH_OFF_TEA
    made = Offer.objects.create(
        program=shop.program, slug=slug, name="Tea week", kind=document["kind"]
    )
    change(made, document)
    return made


def change(made: Offer, document: dict[str, Any]) -> None:
    """Give the offer a new version."""
    made.current_version = OfferVersion.objects.create(
        offer=made, number=made.versions.count() + 1, document=document, created_at=NOW
    )
    made.save()


def buys(shop: Shop, user_ref: str | None, ref: str, tea_minor: int, **facts: Any) -> None:
    """Let a customer have bought tea and a cup for 5.00, yesterday unless said."""
    created_at = facts.pop("created_at", NOW - dt.timedelta(days=1))
    goods = (line(f"{ref}-a", tea_minor, goods=TEA), line(f"{ref}-b", 500, goods=CUP))
    shop.host.put_order(order(ref, *goods, user_ref=user_ref, created_at=created_at, **facts))


def report(made: Offer, days: int = 14, **options: Any) -> list[Customer]:
    """Return who paid more."""
    return list(fairness.who_paid_more(fairness.study(made, days=days, now=NOW), **options))


def grant(made: Offer, **changes: Any) -> list[tuple[str, Outcome, str]]:
    """Grant what the report says; return (customer, outcome, message)."""
    found = fairness.study(made, days=14, now=NOW)
    return [
        (each.customer.user_ref, each.outcome, each.message)
        for each in fairness.make_good(found, fairness.who_paid_more(found), now=NOW, **changes)
    ]


def test_each_grant_is_dated_when_it_is_made(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run reaches into the next day, and adds nothing to the one before."""
    for name in ("ann", "bob"):
        buys(shop, str(shop.member(name, NOW).user_id), f"of-{name}", 1000)
    found = fairness.study(offer(shop), days=14, now=NOW)
    turn = past.clock_of_days(monkeypatch, NOW, NOW + dt.timedelta(days=1))
    granted = fairness.make_good(found, fairness.who_paid_more(found))

    for number in (0, 1):
        turn(number)
        assert next(granted).outcome is Outcome.GRANTED

    recorded = Transaction.objects.filter(kind="grant").order_by("pk")
    days = [day - NOW for day in recorded.values_list("recorded_at", flat=True)]
    assert days == [dt.timedelta(days=0), dt.timedelta(days=1)]


def test_the_report_names_customers_lines_and_points(shop: Shop) -> None:
    """Two orders of one customer; 1.00 and 0.55 over at a cent a point are 155 points."""
    ann = shop.member("ann", NOW)
    buys(shop, str(ann.user_id), "1", 1000)
    buys(shop, str(ann.user_id), "2", 550)
    buys(shop, None, "guest", 1000)
    buys(shop, shop.customer("old"), "3", 1000, created_at=NOW - dt.timedelta(days=15))

    (found,) = report(offer(shop))

    assert (found.user_ref, found.email) == (str(ann.user_id), "ann@example.com")
    assert (found.account_id, found.points) == (ann.pk, 155)
    assert found.over_minor == {"USD": 155}
    assert [
        (each.order_ref, each.line_ref, each.paid_minor, each.offer_minor) for each in found.lines
    ] == [("1", "1-a", 1000, 900), ("2", "2-a", 550, 495)]


def test_chunks_change_nothing_and_cost_the_same_each(shop: Shop) -> None:
    """Seven customers in chunks of two orders; more orders at once, fewer statements."""
    refs = [shop.customer(f"c{number}") for number in range(7)]
    for number, ref in enumerate(refs):
        buys(shop, ref, f"{number}-1", 1000 + number)
        buys(shop, ref, f"{number}-2", 2000)
    made = offer(shop)
    report(made)

    with CaptureQueriesContext(
        connection,
    ) as whole:
        expected = report(made)
    small = report(made, size=2)

    assert small == expected
    assert [each.user_ref for each in expected] == sorted(refs, key=int)
    assert len(whole) <= 4


def test_pages_hold_what_the_whole_holds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few customers a page has, and however few orders it looks at."""
    refs = [shop.customer(f"c{number}") for number in range(5)]
    for number, ref in enumerate(refs):
        buys(shop, ref, f"{number}", 1000 if number % 2 else 0)
    made = offer(shop)
    expected = report(made)
    found = fairness.study(made, days=14, now=NOW)

    for limit, orders_max in ((1, 5000), (2, 5000), (100, 1), (100, 3)):
        monkeypatch.setattr(fairness, "ORDERS_A_PAGE_MAX", orders_max)
        pages = [fairness.page(found, limit=limit, size=1)]
        while pages[-1].place is not None:
            pages.append(fairness.page(found, limit=limit, after=pages[-1].place, size=1))
        assert [each for page in pages for each in page.customers] == expected
        assert len(pages) > 1


def test_an_offer_that_starts_later_looks_at_the_days_before_it(shop: Shop) -> None:
    """Fourteen days before its start end now; before a past start they end there."""
    early, late = NOW - dt.timedelta(days=12), NOW - dt.timedelta(days=1)
    ref = shop.customer("ann")
    buys(shop, ref, "1", 1000, created_at=early)
    buys(shop, ref, "2", 1000, created_at=late)
    made = offer(shop)

    for starts_at, orders in (
        ("2026-03-14T12:00+00:00", {"2"}),
        ("2026-03-08T12:00+00:00", {"1"}),
        ("2026-03-10T12:00+00:00", {"1", "2"}),
    ):
        change(made, {**TENTH_OFF_TEA, "starts_at": starts_at})
        found = report(made)
        assert {each.order_ref for one in found for each in one.lines} == orders


def test_points_are_granted_once_for_a_version(shop: Shop) -> None:
    """A second run, also one that finds more, grants nobody twice; a new version does."""
    ann = shop.member("ann", NOW)
    buys(shop, str(ann.user_id), "1", 1000)
    made = offer(shop)

    assert grant(made, actor_ref="user:7") == [(str(ann.user_id), Outcome.GRANTED, "")]
    assert grant(made) == [(str(ann.user_id), Outcome.GRANTED_BEFORE, "")]
    buys(shop, str(ann.user_id), "2", 200)
    assert grant(made) == [(str(ann.user_id), Outcome.GRANTED_BEFORE, "")]

    assert balances(ann) == (100, 0, 0, 0)
    booked = Transaction.objects.get(account=ann)
    assert booked.note is not None
    assert booked.note.text == 'You bought just before the offer "Tea week" starts.'
    assert booked.actor_ref == "user:7"

    change(made, TENTH_OFF_TEA)
    assert grant(made) == [(str(ann.user_id), Outcome.GRANTED, "")]
    assert balances(ann) == (220, 0, 0, 0)


def test_a_limit_stops_one_grant_and_says_so(shop: Shop) -> None:
    """The program's limit for a grant holds here too; others get theirs."""
    ann, bob = shop.member("ann", NOW), shop.member("bob", NOW)
    buys(shop, str(ann.user_id), "1", 1510)
    buys(shop, str(bob.user_id), "2", 1500)

    assert grant(offer(shop)) == [
        (str(ann.user_id), Outcome.REFUSED, "At most 150 points can be granted at once."),
        (str(bob.user_id), Outcome.GRANTED, ""),
    ]
    assert balances(ann) == (0, 0, 0, 0)
    assert balances(bob) == (150, 0, 0, 0)


def test_the_first_points_open_an_account(shop: Shop) -> None:
    """Where every customer is a member; the report alone opens none."""
    ref = shop.customer("ann")
    buys(shop, ref, "1", 1000)
    made = offer(shop)

    (found,) = report(made)

    assert (found.account_id, Account.objects.count()) == (None, 0)
    assert grant(made) == [(ref, Outcome.GRANTED, "")]
    assert balances(Account.objects.get()) == (100, 0, 0, 0)


def test_who_is_no_member_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers who did not enroll, or left, are in the report and are granted nothing."""
    shop = ledger.open_shop(monkeypatch, enrolment="opt_in")
    ref = shop.customer("ann")
    left = shop.customer("bob")
    members.enrol(shop.program, left, now=NOW)
    members.leave(shop.program, left, now=NOW)
    buys(shop, ref, "1", 1000)
    buys(shop, left, "2", 1000)

    assert sorted(grant(offer(shop))) == sorted(
        (each, Outcome.NOT_A_MEMBER, "") for each in (ref, left)
    )
    assert not Transaction.objects.exists()


def test_points_without_a_value_make_nothing_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says how much it is, and that no points can be named."""
    shop = ledger.open_shop(monkeypatch, point_value={}, redemption={"enabled": False})
    ann = shop.member("ann", NOW)
    buys(shop, str(ann.user_id), "1", 1000)
    made = offer(shop)

    (found,) = report(made)

    assert (found.points, found.over_minor) == (None, {"USD": 100})
    assert grant(made) == [(str(ann.user_id), Outcome.NO_POINT_VALUE, "")]


def test_only_the_offers_channels_and_currencies_are_looked_at(shop: Shop) -> None:
    """An offer of another channel, or without an amount in the orders' currency, finds nobody."""
    buys(shop, shop.customer("ann"), "1", 1000)
    elsewhere = offer(shop, {**TENTH_OFF_TEA, "channels": ["99"]}, "elsewhere")
    in_euros = {"select": {"products": ["1"]}, "price": {"EUR": "1.00"}}

    assert report(elsewhere) == []
    assert report(offer(shop, {"kind": "member_price", "member_price": in_euros}, "euro")) == []


def test_amounts_follow_how_the_channel_enters_prices(shop: Shop) -> None:
    """1.00 off without tax is 1.20 off to somebody who paid 20 % tax."""
    bought = order(
        "1",
        replace(line("a", 1200, goods=TEA), net_minor=1000),
        user_ref=shop.customer("ann"),
        created_at=NOW - dt.timedelta(days=1),
    )
    shop.host.put_order(bought)
    shop.host.net_channels = frozenset({bought.channel_ref})
    cut = {"select": {"products": ["1"]}, "amount": {"USD": "1.00"}}

    (found,) = report(offer(shop, {"kind": "member_price", "member_price": cut}))

    assert found.over_minor == {"USD": 120}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"kind": "free_shipping", "free_shipping": {}}, "the price of no goods"),
        ({"kind": "gift", "gift": {"variants": ["7"]}}, "lowers no price"),
        (
            {"kind": "punch_card", "punch_card": {"select": {"products": ["1"]}, "buy": 6}},
            "rewards later orders",
        ),
    ],
)
def test_kinds_without_a_price_are_refused(
    shop: Shop, document: dict[str, Any], words: str
) -> None:
    """With the reason."""
    with pytest.raises(Refusal, match=words) as refused:
        fairness.study(offer(shop, document), days=14, now=NOW)

    assert refused.value.code is Code.NOT_SUPPORTED


@pytest.mark.parametrize("days", [0, -1, 367])
def test_days_have_limits(shop: Shop, days: int) -> None:
    """At least one, at most a year."""
    with pytest.raises(Refusal, match="from 1 to 366") as refused:
        fairness.study(offer(shop), days=days, now=NOW)

    assert (refused.value.code, refused.value.field) == (Code.INVALID, "days")


def test_the_command_reports_writes_and_grants(shop: Shop, tmp_path: Path) -> None:
    """A line for each customer, the sums, one row of CSV for each order line, the outcomes."""
    ref = shop.customer("ann")
    yesterday = timezone.now() - dt.timedelta(days=1)
    buys(shop, ref, "1", 1000, created_at=yesterday)
    offer(shop)
    out, path = StringIO(), tmp_path / "lines.csv"

    call_command("retention_fairness", "club", "tea", csv=str(path), stdout=out)

    text = out.getvalue()
    assert "  ann@example.com  1 lines  1.00 USD  100 points\n" in text
    assert "1 customers paid more; 100 points make it good.\n  1.00 USD\n" in text
    assert list(csv.DictReader(path.open(newline=""))) == [
        {
            "customer": ref,
            "email": "ann@example.com",
            "order": "1",
            "line": "1-a",
            "variant": "v1",
            "quantity": "1",
            "currency": "USD",
            "paid": "10.00",
            "with_offer": "9.00",
            "overpaid": "1.00",
        }
    ]
    assert not Transaction.objects.exists()

    call_command("retention_fairness", "club", "tea", grant=True, stdout=out)

    assert "100 points: granted\n" in out.getvalue()
    assert balances(Account.objects.get()) == (100, 0, 0, 0)


def test_the_command_refuses_what_is_not_there(shop: Shop, tmp_path: Path) -> None:
    """A program or offer that is unknown, and a file that cannot be written."""
    offer(shop)

    with pytest.raises(CommandError, match='no offer "coffee"'):
        call_command("retention_fairness", "club", "coffee")
    with pytest.raises(CommandError, match="No such file"):
        call_command("retention_fairness", "club", "tea", csv=str(tmp_path / "no" / "x.csv"))
    with pytest.raises(CommandError, match="from 1 to 366"):
        call_command("retention_fairness", "club", "tea", days=0)
