"""Who comes back under an address that another account had is the same customer to every limit."""

from __future__ import annotations

import datetime as dt
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Account,
    AccountAddress,
    Coupon,
    CouponPlan,
    CouponTrigger,
    GiftGiven,
    OfferCounter,
)
from saleor_retention.selectors import persons
from saleor_retention.selectors.offer_facts import facts_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.couponing import coupon_plans
from saleor_retention.services.membership import (
    addresses,
    erasing,
    events,
    identity,
    members,
    profiles,
    referrals,
)
from saleor_retention.services.offering import offer_uses
from tests import ledger
from tests.campaigns import run, started
from tests.coupons import terms
from tests.fakes import at
from tests.ledger import Shop
from tests.offers import applied, counters, make_offer, store_quote

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
DAY = dt.timedelta(days=1)
OLD_KEY, NEW_KEY = {"2025": "a" * 32}, {"2026": "b" * 32}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points for joining, for a first order, for a review, once, and for referring friends."""
    return ledger.open_shop(
        monkeypatch,
        welcome_points=100,
        first_order_points=30,
        earn={"rates": {"USD": {"points": 0, "per": "1.00"}}},
        events={"review": {"points": 5, "per_member_max": 1}},
        referral={"advocate_points": 7},
    )


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member whose address is another one by now."""
    member = shop.member("ann")
    move(shop, member, "ann@new.example.com")
    return member


def move(shop: Shop, member: Account, email: str) -> None:
    """Change the address of the member's user in the shop."""
    get_user_model().objects.filter(pk=member.user_id).update(email=email)
    shop.host.put_user(str(member.user_id), email)


def again(shop: Shop, name: str = "ann") -> Account:
    """Register a second user with the address that was given up."""
    return shop.member(name, now=NOON)


def reserve(shop: Shop, account: Account, *offers: Any, cart: str) -> None:
    """Price a cart with offers and reserve them at noon."""
    store_quote(shop.program, account, *offers, cart=cart)
    offer_uses.reserve_for(cart, currency="USD", now=NOON)


def refused(shop: Shop, account: Account, *offers: Any, cart: str) -> str:
    """Return the words in which a reservation is refused as beyond a limit."""
    with pytest.raises(Refusal) as caught:
        reserve(shop, account, *offers, cart=cart)
    assert caught.value.code is Code.LIMIT_REACHED
    return caught.value.message


def test_the_welcome_comes_once_for_an_address(shop: Shop, ann: Account) -> None:
    """The second user of the address is welcomed without points; another one gets them."""
    second = again(shop)
    other = shop.member("bob", now=NOON)

    assert [ledger.balances(member)[0] for member in (ann, second, other)] == [100, 0, 100]


def test_a_guest_of_the_address_takes_nothing_away(shop: Shop) -> None:
    """Who ordered as a guest before he joined is welcomed as everybody."""
    members.shadow_of(shop.program, "ann@example.com", now=NOON)

    assert ledger.balances(shop.member("ann", now=NOON))[0] == 100


def test_the_first_order_is_the_first_of_the_person(shop: Shop, ann: Account) -> None:
    """Also when it came back meanwhile: ordering anew under another user would pay."""
    shop.buys(ann, "o1", "20.00", now=NOON)
    second = again(shop)

    shop.buys(second, "o2", "20.00", now=NOON + DAY)

    assert ledger.balances(ann)[0] == 130
    assert ledger.balances(second)[0] == 0


def test_a_first_order_that_came_back_was_the_first_all_the_same(shop: Shop, ann: Account) -> None:
    """Of the second user too."""
    shop.buys(ann, "o1", "20.00", now=NOON)
    shop.host.return_units("o1", "a", 1)
    shop.settle("o1", NOON)
    second = again(shop)

    shop.buys(second, "o2", "20.00", now=NOON + DAY)

    assert ledger.balances(ann)[0] == 100
    assert ledger.balances(second)[0] == 0


def test_the_coupon_of_a_first_order_comes_once(shop: Shop, ann: Account) -> None:
    """The second user's first order brings none."""
    draft = coupon_plans.Draft(
        slug="again", trigger=CouponTrigger.NEXT_ORDER, terms=terms(), valid_for_days=30
    )
    coupon_plans.set_plan(shop.program, draft, actor_ref="user:1", now=ledger.LAUNCH)
    assert CouponPlan.objects.get().is_active
    shop.buys(ann, "o1", "20.00", now=NOON)

    shop.buys(again(shop), "o2", "20.00", now=NOON + DAY)

    assert [coupon.account_id for coupon in Coupon.objects.all()] == [ann.pk]


def test_a_limit_of_one_holds_for_the_person(shop: Shop, ann: Account) -> None:
    """Whichever of his users comes second, and whether the limit was there before or not."""
    offer = make_offer(shop.program, "set", limits={"per_customer": 2})
    reserve(shop, ann, applied(offer), cart="cart-1")
    second = again(shop)
    reserve(shop, second, applied(offer), cart="cart-2")

    told = [
        refused(shop, who, applied(offer), cart=cart)
        for who, cart in ((second, "cart-3"), (ann, "cart-4"))
    ]

    assert told == ['You have used the offer "Set" as often as it may be used.'] * 2
    assert counters() == {("set", ann.pk, None): 1, ("set", second.pk, None): 1}


def test_a_price_knows_what_the_person_has_used(shop: Shop, ann: Account) -> None:
    """Uses, gifts and earlier orders of all his users; not what the cart reserved itself."""
    offer = make_offer(shop.program, "set", limits={"per_customer": 3})
    gift = make_offer(shop.program, "gift", "gift", {"variants": ["cup"]})
    reserve(shop, ann, applied(offer), applied(gift, gifts=["cup"]), cart="cart-1")
    shop.buys(ann, "o1", "20.00", now=NOON)
    second = again(shop)
    reserve(shop, second, applied(offer), cart="cart-2")

    key = (shop.program.pk, second.pk)
    facts = facts_of([key])[key]

    assert facts["used"] == [[offer.pk, True, None, 2]]
    assert facts["gifts_had"] == ["cup"]
    assert facts["orders"] == 1


def test_a_gift_is_given_to_the_person_once(shop: Shop, ann: Account) -> None:
    """Another gift of the list is the second user's to have, and then not the first one's."""
    gift = make_offer(shop.program, "gift", "gift", {"variants": ["cup", "spoon"]})
    reserve(shop, ann, applied(gift, gifts=["cup"]), cart="cart-1")
    second = again(shop)

    told = refused(shop, second, applied(gift, gifts=["cup"]), cart="cart-2")
    reserve(shop, second, applied(gift, gifts=["spoon"]), cart="cart-2")
    refused(shop, ann, applied(gift, gifts=["spoon"]), cart="cart-3")

    assert told == 'You have had the gift of the offer "Gift" before.'
    given = GiftGiven.objects.order_by("pk").values_list("account_id", "variant_ref")
    assert list(given) == [(ann.pk, "cup"), (second.pk, "spoon")]


def test_an_event_counts_within_the_limits_of_the_person(shop: Shop, ann: Account) -> None:
    """A review that is rewarded once is not rewarded to the second user."""
    told: dict[str, Any] = {"source": "reviews", "kind": "review", "at": NOON, "now": NOON}
    events.record_event(account=ann, reference="r1", object_ref="p-1", **told)

    second = events.record_event(account=again(shop), reference="r2", object_ref="p-2", **told)

    assert (second.event.points, second.event.outcome) == (0, "member_max")


def test_nobody_refers_himself_under_a_former_address(shop: Shop, ann: Account) -> None:
    """Neither way, and who has ordered under another user is no new customer."""
    second = again(shop)
    code = referrals.code_of(ann, now=NOON).code
    with pytest.raises(Refusal) as caught:
        referrals.claim(program=shop.program, user_ref=str(second.user_id), code=code, now=NOON)
    shop.buys(ann, "o1", "20.00", now=NOON)
    friend = referrals.code_of(shop.member("bob"), now=NOON).code
    with pytest.raises(Refusal) as late:
        referrals.claim(program=shop.program, user_ref=str(second.user_id), code=friend, now=NOON)

    assert caught.value.message == "You cannot refer yourself."
    assert late.value.message == "Only customers who have not ordered yet can be referred."


def test_the_benefit_of_a_birthday_comes_once_a_year(shop: Shop, ann: Account) -> None:
    """The second user is left out, with the reason; other customers are not."""
    trigger = {"kind": "birthday", "days_before": 7}
    campaign = started(shop, trigger, NOON, message=None, benefit={"points": 50})
    second, bob = again(shop), shop.member("bob")
    for member in (ann, second, bob):
        profiles.update(member, {"birthday": {"month": 5, "day": 8}}, now=NOON)

    found = run(campaign, at("2026-05-01 12:00"))

    assert found == {ann.pk: "sent", second.pk: "had", bob.pk: "sent"}
    assert (ledger.balances(ann)[0], ledger.balances(second)[0]) == (150, 0)


def test_a_chain_of_addresses_is_one_person(shop: Shop, ann: Account) -> None:
    """Ann gave up her address, who took it gave up his: the third has what the first had."""
    second = again(shop)
    move(shop, second, "middle@example.com")
    addresses.note(str(second.user_id), NOON)
    move(shop, second, "last@example.com")

    third = again(shop, "middle")

    assert persons.same_person(third.pk) == [ann.pk, second.pk, third.pk]
    assert persons.same_person(shop.member("bob").pk) == [shop.member("bea").pk - 1]
    assert ledger.balances(third)[0] == 0


def test_a_change_is_noted_once_and_only_of_who_is_known(shop: Shop, ann: Account) -> None:
    """By the hash of the address; an address that nobody has confirmed is nobody's."""
    addresses.note(str(ann.user_id), NOON)
    addresses.note(str(ann.user_id), NOON + DAY)
    shop.host.put_user(str(ann.user_id), "typed@example.com", is_confirmed=False)
    addresses.note(str(ann.user_id), NOON + DAY)
    addresses.note("999999", NOON)

    rows = AccountAddress.objects.filter(account=ann).order_by("pk")
    assert list(rows.values_list("address_hash", "first_seen_at")) == [
        (identity.email_hash("ann@example.com"), ledger.LAUNCH),
        (identity.email_hash("ann@new.example.com"), NOON),
    ]


def test_the_walk_finds_changes_that_no_event_told_of(shop: Shop, ann: Account) -> None:
    """In batches, by the number of the account; what is there already stays."""
    bob = shop.member("bob")
    move(shop, bob, "bob@new.example.com")

    place: int | None = 0
    while place is not None:
        place = addresses.note_batch(place, limit=1, now=NOON)

    for member, email in ((ann, "ann@new.example.com"), (bob, "bob@new.example.com")):
        hashed = identity.email_hash(email)
        assert AccountAddress.objects.get(address_hash=hashed).account_id == member.pk
    assert AccountAddress.objects.count() == 4


def test_upgrading_writes_down_the_addresses_of_today(shop: Shop, ann: Account) -> None:
    """Former ones nobody knows any more: they are found again only if they are today's."""
    AccountAddress.objects.all().delete()
    upgrade = import_module("saleor_retention.migrations.0037_one_person")

    upgrade.write_present(apps, None)

    row = AccountAddress.objects.get()
    hashed = identity.email_hash("ann@new.example.com")
    assert (row.account_id, row.address_hash) == (ann.pk, hashed)
    assert row.first_seen_at == ann.joined_at
    assert persons.same_person(again(shop).pk) != persons.same_person(ann.pk) == [ann.pk]


def test_upgrading_counts_the_uses_of_periods_for_all_time(shop: Shop, ann: Account) -> None:
    """A counter that was opened without them is put right."""
    offer = make_offer(shop.program, "set", limits={"per_customer": 2, "period": "month"})
    reserve(shop, ann, applied(offer), cart="cart-1")
    OfferCounter.objects.create(offer=offer, account=ann, used=0)
    upgrade = import_module("saleor_retention.migrations.0037_one_person")

    with connection.cursor() as cursor:
        cursor.execute(upgrade.COUNT_ALL)

    assert counters() == {("set", ann.pk, "2026-03-01"): 1, ("set", ann.pk, None): 1}
    assert breaches(reads_orders=False) == []


def test_a_new_key_finds_what_the_old_one_hashed(shop: Shop, settings: Any) -> None:
    """As long as the old one is configured; the present address is hashed anew."""
    settings.RETENTION_EMAIL_HASH_KEYS = OLD_KEY
    ann, bob = shop.member("ann"), shop.member("bob")
    move(shop, ann, "ann@new.example.com")
    settings.RETENTION_EMAIL_HASH_KEYS = OLD_KEY | NEW_KEY
    addresses.note_batch(0, limit=10, now=NOON)
    second = again(shop)
    settings.RETENTION_EMAIL_HASH_KEYS = NEW_KEY
    move(shop, bob, "bob@new.example.com")
    third = again(shop, "bob")
    fourth = again(shop, "cleo")
    get_user_model().objects.filter(pk=second.user_id).delete()
    erasing.erase_deleted(now=NOON)
    late = again(shop)

    assert ledger.balances(second)[0] == 0
    assert persons.same_person(third.pk) == [bob.pk, third.pk]
    assert persons.same_person(fourth.pk) == [fourth.pk]
    assert persons.same_person(late.pk) == [late.pk]  # ann's first hash needs the key that is gone


def test_erasing_forgets_the_addresses(shop: Shop, ann: Account) -> None:
    """As it forgets the present one: who was erased begins anew."""
    addresses.note(str(ann.user_id), NOON)
    erasing.erase(persons.of_user(str(ann.user_id)), reason="asked", actor_ref="user:1", now=NOON)

    assert not AccountAddress.objects.filter(account=ann).exists()
    assert ledger.balances(again(shop))[0] == 100


def test_who_has_one_account_costs_no_more_statements(
    shop: Shop, django_assert_num_queries: Any
) -> None:
    """The price asks for the person in the statement that it has."""
    bob = shop.member("bob")
    with django_assert_num_queries(1):
        facts_of([(shop.program.pk, bob.pk)])
