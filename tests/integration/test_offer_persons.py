"""What is held about a customer's offers is exported in words, and goes when he is erased."""

from __future__ import annotations

import json

import pytest

from saleor_retention.export import records
from saleor_retention.models import Account, GiftGiven, GiftPick, OfferStamp, OfferUse
from saleor_retention.selectors import persons
from saleor_retention.services.membership import erasing
from saleor_retention.services.offering import offer_uses
from saleor_retention.services.ordering import settling
from tests import ledger
from tests.fakes import at, line, order
from tests.ledger import Shop
from tests.offers import CART, applied, counters, make_offer, store_quote

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in memory with a program."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member with an order of a set and a gift, five stamps, and a pick in an open cart."""
    member = shop.member("ann")
    bundle = make_offer(shop.program, "set", limits={"in_total": 9})
    gift = make_offer(shop.program, "gift", "gift", {"variants": ["v-b"]})
    make_offer(shop.program, "card", "punch_card", {"select": {"variants": ["v-a"]}, "buy": 6})
    priced = (applied(bundle, uses=2, amount_minor=350), applied(gift, gifts=["v-b"]))
    store_quote(shop.program, member, *priced)
    offer_uses.reserve_for(CART, currency="USD", now=NOON)
    facts = order(
        "o1",
        line("a", 5000, quantity=5),
        line("b", 0),
        number="1001",
        user_ref=str(member.user_id),
        created_at=NOON,
        checkout_ref=CART,
    )
    shop.host.put_order(facts)
    settling.settle(order_ref="o1", now=NOON)
    store_quote(shop.program, member, cart="cart-2")
    GiftPick.objects.create(
        checkout_ref="cart-2", offer=gift, variant_ref="v-b", line_ref="", picked_at=NOON
    )
    return member


def test_uses_and_stamps_are_exported_in_words(ann: Account) -> None:
    """With the names of the offers, the number of the order, and the gift."""
    document = json.loads("".join(records.write([ann.pk], NOON)))

    found = [row for row in document["records"] if row["section"] in ("offer_use", "stamps")]
    assert [row["text"] for row in found] == [
        '2026-03-10: 2 uses of the offer "Set", 3.50 USD off, used by order 1001.',
        '2026-03-10: 1 use of the offer "Gift", 1.00 USD off, used by order 1001.',
        '2026-03-10: 5 units of order 1001 on the card "Card".',
    ]
    assert [row["data"].get("gifts") for row in found] == [[], ["v-b"], None]


def test_an_erased_customer_leaves_sums_only(shop: Shop, ann: Account) -> None:
    """Card, gifts and picks go; what offers gave away stays counted, and settling adds nothing."""
    person = persons.of_user(str(ann.user_id))

    erasing.erase(person, reason="asked", actor_ref="user:1", now=NOON)
    shop.host.change_order("o1", refunded_minor=100)
    settling.settle(order_ref="o1", now=NOON)

    assert not OfferStamp.objects.exists()
    assert not GiftGiven.objects.exists()
    assert not GiftPick.objects.exists()
    assert list(OfferUse.objects.values_list("state", flat=True)) == ["used", "used"]
    assert counters() == {("set", None, None): 2}
