"""A reminder that becomes a checkout: what is put in, once, and what is said of the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.engine.campaigns.rhythm import Supply
from saleor_retention.engine.facts import GoodsFacts
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.host.contract import ChannelFacts, Lack
from saleor_retention.models import Account, AccountState, ProgramChannel
from saleor_retention.services.campaigning import campaigns
from saleor_retention.services.campaigning.reordering import Reorder, reorder
from saleor_retention.services.campaigning.run_outs import consumables, run_outs_of
from tests import ledger
from tests.campaigns import QUESTIONS, campaign_of
from tests.fakes import CHANNEL, at, line, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOW = at("2026-06-10 12:00")
EVERY_MONTH = ("2026-03-14", "2026-04-13", "2026-05-13")
"""Every 30 days; it runs out on 12 June, and the reminder is due on 9 June."""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop that reminds of tea and coffee."""
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    opened = ledger.open_shop(monkeypatch, questions=QUESTIONS)
    for name in ("tea", "coffee", "rice"):
        opened.host.goods[name] = GoodsFacts(name, f"p-{name}")
    trigger = {"kind": "run_out", "variants": ["tea", "coffee"], "days_before": 3}
    campaigns.start_campaign(campaign_of(opened.program, trigger), NOW)
    return opened


@dataclass
class FakeCounter:
    """Opens checkouts on the fake host."""

    shop: Shop
    member: Account
    lack: dict[str, Lack] = field(default_factory=dict)
    asked: list[dict[str, int]] = field(default_factory=list)

    def lacks(self, channel_ref: str, goods: Mapping[str, int]) -> dict[str, Lack]:  # noqa: ARG002
        """Return what the test has made unavailable."""
        self.asked.append(dict(goods))
        return {ref: self.lack[ref] for ref in goods if ref in self.lack}

    def open(self, channel_ref: str, goods: Mapping[str, int], mark: str) -> str:
        """Open one."""
        host = self.shop.host
        ref = f"checkout-{len(host.opened) + 1}"
        host.opened[ref] = (str(self.member.user_id), channel_ref, mark, dict(goods))
        host.put_checkout(ref, 1000, user_ref=str(self.member.user_id))
        return ref

    def reorder(self, **changes: object) -> Reorder:
        """Ask for what runs out."""
        given = {"now": NOW, **changes}
        return reorder(self.member, lambda: self, **given)  # type: ignore[arg-type]


def buys(
    shop: Shop, member: Account, name: str, *days: str, quantity: int = 1, channel: str = CHANNEL
) -> None:
    """Have a member order something on some days; the fake host alone hears of it."""
    for day in days:
        shop.host.put_order(
            order(
                f"{member.pk}-{name}-{day}",
                line("a", 1000, goods=shop.host.goods[name], quantity=quantity),
                user_ref=str(member.user_id),
                created_at=at(f"{day} 12:00"),
                channel_ref=channel,
            )
        )


def in_it(shop: Shop, done: Reorder) -> dict[str, int]:
    """Return what a checkout was opened with."""
    return shop.host.opened[done.checkout_ref][3]


def lacking(done: Reorder) -> dict[str, Lack]:
    """Return what is missing."""
    return {each.goods.variant_ref: each.lack for each in done.missing}


def test_what_members_buy_again_and_again(shop: Shop) -> None:
    """Tea runs out on 12 June; of coffee nothing can be said; of rice nobody is reminded."""
    ada, ben = shop.member("ada"), shop.member("ben")
    buys(shop, ada, "tea", *EVERY_MONTH, quantity=2)
    buys(shop, ada, "coffee", "2026-05-01")
    buys(shop, ada, "rice", *EVERY_MONTH)
    buys(shop, ben, "coffee", "2026-05-11", "2026-05-21", "2026-05-31")

    found = run_outs_of(shop.program, [ada, ben], NOW)

    assert [
        (each.name, each.supply, each.days, each.usual_quantity, each.last_on, each.reminded_on)
        for each in found[ada.pk]
    ] == [
        ("Goods tea", "running_out", 3, 2, dt.date(2026, 5, 13), dt.date(2026, 6, 9)),
        ("Goods coffee", "unknown", 1, 1, dt.date(2026, 5, 1), None),
    ]
    assert [(each.variant_ref, each.supply) for each in found[ben.pk]] == [
        ("coffee", Supply.RUNNING_OUT)
    ]


def test_many_members_cost_as_much_as_one(shop: Shop) -> None:
    """The number of statements does not follow the number of members."""
    everybody = [shop.member(name) for name in "abcdef"]
    for member in everybody:
        buys(shop, member, "tea", *EVERY_MONTH)
    run_outs_of(shop.program, everybody[:1], NOW)

    counts = []
    for members in (everybody[:1], everybody):
        with CaptureQueriesContext(connection) as statements:
            assert len(run_outs_of(shop.program, members, NOW)) == len(members)
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_the_goods_are_those_of_campaigns_that_remind(shop: Shop) -> None:
    """A second campaign reminds of tea earlier; an ended one and a draft of nothing."""
    earlier = {"kind": "run_out", "variants": ["tea"], "days_before": 5}
    paused = campaigns.start_campaign(campaign_of(shop.program, earlier, slug="earlier"), NOW)
    campaigns.pause_campaign(paused)
    rice = {"kind": "run_out", "variants": ["rice"]}
    campaign_of(shop.program, rice, slug="draft")
    ended = campaigns.start_campaign(campaign_of(shop.program, rice, slug="ended"), NOW)
    campaigns.end_campaign(ended, NOW)

    assert consumables(shop.program) == {"tea": 5, "coffee": 3}


def test_a_checkout_holds_the_usual_quantity_of_what_runs_out(shop: Shop) -> None:
    """Tea by twos; coffee is not due yet and stays out."""
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH, quantity=2)
    buys(shop, ada, "coffee", "2026-04-09", "2026-05-09", "2026-06-08")

    done = FakeCounter(shop, ada).reorder()

    assert (done.is_new, done.missing) == (True, ())
    assert in_it(shop, done) == {"tea": 2}
    assert shop.host.opened[done.checkout_ref][:2] == (str(ada.user_id), CHANNEL)


def test_asked_twice_it_is_the_same_checkout(shop: Shop) -> None:
    """Also when its goods are sold out meanwhile: they may be reserved for it."""
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH)
    counter = FakeCounter(shop, ada)
    first = counter.reorder()
    counter.lack["tea"] = Lack.OUT_OF_STOCK

    again = counter.reorder()

    assert again == Reorder(first.checkout_ref, is_new=False, missing=())
    assert len(shop.host.opened) == 1


def test_another_member_gets_his_own(shop: Shop) -> None:
    """Both have bought the same on the same days."""
    ada, ben = shop.member("ada"), shop.member("ben")
    for member in (ada, ben):
        buys(shop, member, "tea", *EVERY_MONTH)

    done = [FakeCounter(shop, member).reorder() for member in (ada, ben)]

    assert all(each.is_new for each in done)
    assert done[0].checkout_ref != done[1].checkout_ref


def test_what_cannot_be_bought_is_named_and_the_rest_goes_in(shop: Shop) -> None:
    """Until it can be bought: then there is a checkout with both."""
    ada = shop.member("ada")
    for name in ("tea", "coffee"):
        buys(shop, ada, name, *EVERY_MONTH)
    counter = FakeCounter(shop, ada, {"coffee": Lack.OUT_OF_STOCK})

    first, again = counter.reorder(), counter.reorder()
    counter.lack.clear()
    restocked = counter.reorder()

    assert (in_it(shop, first), lacking(first)) == ({"tea": 1}, {"coffee": Lack.OUT_OF_STOCK})
    assert again == Reorder(first.checkout_ref, is_new=False, missing=first.missing)
    assert (restocked.is_new, in_it(shop, restocked)) == (True, {"tea": 1, "coffee": 1})


def test_nothing_can_be_bought(shop: Shop) -> None:
    """One refusal for each of the goods, by name; no checkout is opened."""
    ada = shop.member("ada")
    for name in ("tea", "coffee"):
        buys(shop, ada, name, *EVERY_MONTH)
    counter = FakeCounter(shop, ada, {"coffee": Lack.UNAVAILABLE, "tea": Lack.OVER_LIMIT})

    with pytest.raises(Refusals) as caught:
        counter.reorder()

    assert [(each.code, each.message) for each in caught.value.refusals] == [
        (Code.INVALID, '"Goods coffee" is not sold here any more.'),
        (Code.INVALID, 'You usually buy more of "Goods tea" than the shop sells at once now.'),
    ]
    assert shop.host.opened == {}


def test_a_cart_without_the_goods_is_not_offered_again(shop: Shop) -> None:
    """Who has taken them off, or has given the checkout up, gets a new one."""
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH)
    counter = FakeCounter(shop, ada)
    first = counter.reorder()
    shop.host.opened[first.checkout_ref][3].clear()

    second = counter.reorder()
    del shop.host.checkouts[second.checkout_ref]
    third = counter.reorder()

    assert [each.is_new for each in (first, second, third)] == [True] * 3


@pytest.mark.parametrize("bought_on", ["2026-06-09", "2026-06-10"])
def test_who_has_bought_again_needs_nothing(shop: Shop, bought_on: str) -> None:
    """The next reminder is a month away."""
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH)
    counter = FakeCounter(shop, ada)
    counter.reorder()
    buys(shop, ada, "tea", bought_on)

    with pytest.raises(Refusal) as caught:
        counter.reorder()

    assert caught.value.code is Code.NOT_FOUND
    assert caught.value.message == "Nothing that you buy again and again is about to run out."
    assert len(shop.host.opened) == 1


def test_goods_that_are_used_up_come_on_demand(shop: Shop) -> None:
    """In August tea is long gone: not without being named, and with coffee not at all."""
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH)
    counter = FakeCounter(shop, ada)
    august = at("2026-08-01 12:00")

    with pytest.raises(Refusal, match="about to run out"):
        counter.reorder(now=august)
    with pytest.raises(Refusal) as caught:
        counter.reorder(now=august, variant_refs={"tea", "coffee"})
    done = counter.reorder(now=august, variant_refs={"tea"})

    assert (caught.value.code, caught.value.field) == (Code.NOT_FOUND, "variantIds")
    assert in_it(shop, done) == {"tea": 1}


def test_no_goods_named_are_no_goods(shop: Shop) -> None:
    """An empty list is not the same as none."""
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH)

    with pytest.raises(Refusal, match="Not all of these goods"):
        FakeCounter(shop, ada).reorder(variant_refs=set())


def test_it_is_bought_where_it_was_bought_last(shop: Shop) -> None:
    """Or in the channel that is named."""
    shop.host.shop_channels.append(ChannelFacts("2", "other", "Other", "USD"))
    ProgramChannel.objects.create(program=shop.program, channel_ref="2")
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH[:2])
    buys(shop, ada, "tea", EVERY_MONTH[2], channel="2")
    counter = FakeCounter(shop, ada)

    last, named = counter.reorder(), counter.reorder(channel_ref=CHANNEL)

    assert [shop.host.opened[done.checkout_ref][1] for done in (last, named)] == ["2", CHANNEL]


def test_who_left_is_no_member(shop: Shop) -> None:
    """Nothing is opened for somebody who has left, and nothing is listed."""
    ada = shop.member("ada")
    buys(shop, ada, "tea", *EVERY_MONTH)
    Account.objects.filter(pk=ada.pk).update(state=AccountState.LEFT)
    ada.refresh_from_db()

    with pytest.raises(Refusal) as caught:
        FakeCounter(shop, ada).reorder()

    assert caught.value.code is Code.NOT_A_MEMBER
    assert run_outs_of(shop.program, [ada], NOW) == {}
