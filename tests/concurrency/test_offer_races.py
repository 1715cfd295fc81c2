"""Limits of offers and gifts hold when everything happens at once."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import GiftGiven
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.offering import offer_uses
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, order
from tests.offers import applied, counters, make_offer, store_quote, uses
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NOON = at("2026-03-10 12:00")


def test_twenty_checkouts_race_for_the_last_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly one gets it, the others are told which offer has gone."""
    shop = ledger.open_shop(monkeypatch)
    offer = make_offer(shop.program, "set", limits={"in_total": 1})
    for number in range(20):
        store_quote(shop.program, None, applied(offer), cart=f"cart-{number}")

    results = at_once(
        lambda number: offer_uses.reserve_for(f"cart-{number}", currency="USD", now=NOON), 20
    )

    refused = [result for result in results if isinstance(result, Refusal)]
    assert len(refused) == 19
    assert {(each.code, each.message) for each in refused} == {
        (Code.LIMIT_REACHED, 'The offer "Set" has been used up by other customers.')
    }
    assert len(uses()) == 1
    assert counters() == {("set", None, None): 1}


@pytest.mark.parametrize(
    ("limits", "mine", "last"),
    [
        ({"period": "month", "total_period": "all_time"}, "2026-03-01", None),
        ({"total_period": "day"}, None, "2026-03-10"),
        ({"period": "month", "total_period": "week"}, "2026-03-01", "2026-03-09"),
    ],
)
def test_members_race_for_the_last_use_of_another_period(
    monkeypatch: pytest.MonkeyPatch, limits: dict[str, str], mine: str | None, last: str | None
) -> None:
    """Three in total, four members with two carts each, once for each of them: three get it."""
    shop = ledger.open_shop(monkeypatch)
    offer = make_offer(shop.program, "set", limits={"per_customer": 1, "in_total": 3, **limits})
    members = [shop.member(name) for name in ("ann", "bob", "cleo", "dan")]
    for number in range(8):
        store_quote(shop.program, members[number % 4], applied(offer), cart=f"cart-{number}")

    results = at_once(
        lambda number: offer_uses.reserve_for(f"cart-{number}", currency="USD", now=NOON), 8
    )

    refused = [result for result in results if isinstance(result, Refusal)]
    assert {each.code for each in refused} == {Code.LIMIT_REACHED}
    assert len(refused) == 5
    found = counters()
    assert found["set", None, last] == len(uses()) == 3
    assert sorted(found.get(("set", member.pk, mine), 0) for member in members) == [0, 1, 1, 1]
    assert breaches(reads_orders=False) == []


def test_one_member_races_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of eight carts get a use of an offer that each may have twice, one gets the gift."""
    shop = ledger.open_shop(monkeypatch)
    ann = shop.member("ann")
    offer = make_offer(shop.program, "set", limits={"per_customer": 2, "in_total": 50})
    gift = make_offer(shop.program, "gift", "gift", {"variants": ["7"]})
    for number in range(8):
        priced = applied(offer) if number % 2 else applied(gift, gifts=["7"])
        store_quote(shop.program, ann, priced, cart=f"cart-{number}")

    results = at_once(
        lambda number: offer_uses.reserve_for(f"cart-{number}", currency="USD", now=NOON), 8
    )

    refused = sorted(result.message for result in results if isinstance(result, Refusal))
    assert refused == [
        *['You have had the gift of the offer "Gift" before.'] * 3,
        *['You have used the offer "Set" as often as it may be used.'] * 2,
    ]
    assert GiftGiven.objects.count() == 1
    assert counters() == {("set", ann.pk, None): 2, ("set", None, None): 2}


def test_two_accounts_of_one_person_race(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of eight carts get a use, one the gift, whichever of the accounts is first."""
    shop = ledger.open_shop(monkeypatch)
    ann = shop.member("ann")
    get_user_model().objects.filter(pk=ann.user_id).update(email="ann@new.example.com")
    pair = (ann, shop.member("ann"))
    offer = make_offer(shop.program, "set", limits={"per_customer": 2, "in_total": 50})
    gift = make_offer(shop.program, "gift", "gift", {"variants": ["7"]})
    for number in range(8):
        priced = applied(offer) if number % 2 else applied(gift, gifts=["7"])
        store_quote(shop.program, pair[number // 2 % 2], priced, cart=f"cart-{number}")

    results = at_once(
        lambda number: offer_uses.reserve_for(f"cart-{number}", currency="USD", now=NOON), 8
    )

    refused = sorted(result.message for result in results if isinstance(result, Refusal))
    assert refused == [
        *['You have had the gift of the offer "Gift" before.'] * 3,
        *['You have used the offer "Set" as often as it may be used.'] * 2,
    ]
    assert GiftGiven.objects.count() == 1
    found = counters()
    assert sum(found["set", member.pk, None] for member in pair) == found["set", None, None] == 2


def test_orders_retries_and_cancellations_at_once_leave_true_counters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Carts with two offers in either order, reserved, settled and canceled in all threads."""
    shop = ledger.open_shop(monkeypatch)
    ann = shop.member("ann")
    limits = {"per_customer": 99, "in_total": 99}
    one, two = (make_offer(shop.program, slug, limits=limits) for slug in ("one", "two"))
    for number in range(6):
        pair = (applied(one), applied(two, uses=2))
        store_quote(shop.program, ann, *(pair if number % 2 else pair[::-1]), cart=f"cart-{number}")
        facts = order(
            f"o{number}",
            line("a", 1000),
            user_ref=str(ann.user_id),
            created_at=NOON,
            checkout_ref=f"cart-{number}",
        )
        shop.host.put_order(facts)

    def work(number: int) -> None:
        if number % 2:
            settling.settle(order_ref=f"o{number // 2}", now=NOON)
        else:
            offer_uses.reserve_for(f"cart-{number // 2}", currency="USD", now=NOON)

    results = at_once(work, 12)
    for number in range(6):
        settling.settle(order_ref=f"o{number}", now=NOON)

    assert [result for result in results if isinstance(result, Refusal)] == []
    found = counters()
    kept = {slug: sum(n for name, _, _, n in uses() if name == slug) for slug in ("one", "two")}
    for slug in ("one", "two"):
        assert found[(slug, ann.pk, None)] == found[(slug, None, None)] == kept[slug]
