"""Segments by what was bought: on a Saleor with its own orders, against a plain definition."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.rules import Selection
from saleor_retention.engine.segments.matching import matches
from saleor_retention.engine.segments.rules import Bought, Customer, Not, Purchase, Rule, Setting
from saleor_retention.engine.segments.statement import to_sql
from saleor_retention.errors import Code, Refusals
from saleor_retention.host.goods import goods_of_variants
from saleor_retention.models import Account, OrderRecord, SegmentMember
from saleor_retention.selectors.segments import setting_of
from saleor_retention.services.membership import segments
from saleor_retention.services.membership.segments import Draft
from saleor_retention.services.ordering import settling
from tests.factories.current import factories
from tests.factories.loyalty import make_member, make_program

pytestmark = pytest.mark.django_db(databases="__all__")

KINDS = ("variants", "products", "categories", "collections")
DAY = dt.timedelta(days=1)


class Market:
    """A shop with goods in categories and collections, members, and orders of theirs."""

    def __init__(self) -> None:
        """Set the shelves up; nobody has bought anything."""
        make = factories()
        (self.place,) = host.current().channels() or (make.make_channel(),)
        self.program = make_program(self.place)
        self.upper = make.make_category("Upper")
        self.lower = make.make_category("Lower", self.upper)
        self.summer, self.winter = make.make_collection("Summer"), make.make_collection("Winter")
        self.variants = [
            make.make_product("10.00", category=category, collections=places)
            for category, places in (
                (self.upper, []),
                (self.lower, [self.summer]),
                (self.lower, []),
                (None, [self.summer, self.winter]),
                (None, []),
            )
        ]

    def buys(self, account: Account, *variants: Any) -> Any:
        """Have a member order and pay for one of each; return the shop's order."""
        make = factories()
        checkout = make.make_checkout(account.user, dict.fromkeys(variants, 1))
        order = make.complete(checkout)
        settling.settle(order_ref=str(order.pk))
        return order

    def refs(self) -> dict[str, list[str]]:
        """Return all goods by kind."""
        return {
            "variants": [str(each.pk) for each in self.variants],
            "products": [str(each.product_id) for each in self.variants],
            "categories": [str(self.upper.pk), str(self.lower.pk)],
            "collections": [str(self.summer.pk), str(self.winter.pk)],
        }

    def members_of(self, slug: str) -> set[int]:
        """Return who is in a segment."""
        rows = SegmentMember.objects.filter(segment__slug=slug)
        return set(rows.values_list("account_id", flat=True))


@pytest.fixture
def market() -> Market:
    """A market in the Saleor that runs the tests."""
    factories().make_channel()
    return Market()


def member(market: Market) -> Account:
    """Return a new member."""
    return make_member(market.program, factories().make_user())


def customer_of(account: Account, setting: Setting) -> Customer:
    """Read what somebody bought from the shop's lines, one by one."""
    counted = OrderRecord.objects.filter(account=account, is_counted=True)
    counted = counted.exclude(order_ref__startswith="pos:")
    made_at = dict(counted.values_list("order_ref", "created_at"))
    purchases = []
    for ref, at in made_at.items():
        for line in line_model().objects.filter(order=ref).exclude(variant=None):
            if line.unit_price_gross_amount > 0:
                goods = goods_of_variants([str(line.variant_id)])[str(line.variant_id)]
                purchases.append(Purchase(goods, local_date(at, setting.time_zone)))
    joined_on = local_date(account.joined_at, setting.time_zone)
    return Customer(joined_on=joined_on, purchases=tuple(purchases))


def line_model() -> Any:
    """Return the shop's model of order lines."""
    from saleor.order.models import OrderLine

    return OrderLine


def found_by(rule: Rule, setting: Setting) -> set[int]:
    """Ask the database who meets a rule."""
    condition = to_sql(rule, setting)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account.id FROM saleor_retention_account AS account"
            f" WHERE ({condition.text}) IS NOT NULL AND {condition.text}",
            [*condition.parameters, *condition.parameters],
        )
        return {row[0] for row in cursor.fetchall()}


def test_the_database_finds_who_bought_what_as_the_engine_does(market: Market) -> None:
    """Random goods and days: orders that do not count, gifts, guests and receipts bring nobody."""
    draw = random.Random(7)  # noqa: S311
    accounts = [member(market) for _ in range(6)]
    now = timezone.now()
    for account in accounts[1:]:
        for _ in range(draw.choice([1, 2, 2])):
            order = market.buys(account, *draw.sample(market.variants, draw.choice([1, 2])))
            lines = line_model().objects.filter(order=order)
            if draw.random() < 0.2:
                lines.filter(pk=lines.earliest("pk").pk).update(unit_price_gross_amount=0)
            OrderRecord.objects.filter(order_ref=str(order.pk)).update(
                created_at=now - draw.randrange(60) * DAY, is_counted=draw.random() < 0.85
            )
    gone = market.variants.pop()
    line_model().objects.filter(variant=gone).update(variant=None)
    record = OrderRecord.objects.earliest("pk")
    guest = OrderRecord.objects.latest("pk")
    OrderRecord.objects.filter(pk=guest.pk).update(account=None)
    OrderRecord.objects.create(
        order_ref="pos:till:7",
        program=market.program,
        account=accounts[0],
        version=record.version,
        channel_ref=record.channel_ref,
        currency="USD",
        created_at=now,
        is_counted=True,
    )
    setting = setting_of(market.program, now)
    customers = {account.pk: customer_of(account, setting) for account in accounts}
    some = tuple(sorted(customers))[::2]
    sizes = set()
    for _ in range(60):
        chosen = {
            kind: frozenset(draw.sample(refs, draw.choice([0, 0, 1, 2])))
            for kind, refs in market.refs().items()
        }
        if not any(chosen.values()):
            continue
        rule = Bought(Selection(**chosen), draw.choice([None, 1, 10, 30, 59]))
        expected = {pk for pk, each in customers.items() if matches(rule, each, setting)}
        of_some = Setting(setting.today, sold=setting.sold, account_ids=some)

        assert found_by(rule, setting) == expected, rule
        assert found_by(Not(rule), setting) == customers.keys() - expected, rule
        assert found_by(rule, of_some) == expected & set(some), rule
        sizes.add(len(expected))
    assert len(sizes) > 3  # neither everybody nor nobody each time
    assert 0 in sizes


def test_who_bought_the_day_before_the_last_one_is_out(market: Market) -> None:
    """Days are the program's: an order on the first of them counts from its midnight."""
    account = member(market)
    market.buys(account, market.variants[0])
    selection = Selection(variants=frozenset({str(market.variants[0].pk)}))
    midnight = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    setting = setting_of(market.program, midnight + 30 * DAY)
    found = []
    for at in (midnight, midnight - dt.timedelta(seconds=1)):
        OrderRecord.objects.update(created_at=at)
        found.append(found_by(Bought(selection, 30), setting))

    assert found == [{account.pk}, set()]


def test_a_segment_follows_the_order_of_a_customer(market: Market) -> None:
    """After his order for him alone, and every night for all, also when the days are over."""
    ann, bob = member(market), member(market)
    rule = {"bought": {"select": {"categories": [str(market.upper.pk)]}, "days": 30}}
    segments.create_segment(market.program, Draft("cups", "Cups", rule))
    assert market.members_of("cups") == set()

    market.buys(ann, market.variants[1])
    market.buys(bob, market.variants[4])
    segments.refresh(market.program, [ann.pk, bob.pk])
    followed = market.members_of("cups")
    segments.nightly(market.program, timezone.now() + 29 * DAY)
    late = market.members_of("cups")
    segments.nightly(market.program, timezone.now() + 32 * DAY)

    assert (followed, late) == ({ann.pk}, {ann.pk})
    assert market.members_of("cups") == set()


def test_goods_that_the_shop_does_not_have_are_refused(market: Market) -> None:
    """By the place in the rule."""
    rule = {"not": {"bought": {"select": {"products": ["999999"], "variants": ["x"]}}}}

    with pytest.raises(Refusals) as caught:
        segments.create_segment(market.program, Draft("some", "Some", rule))

    assert [(each.code, each.field) for each in caught.value.refusals] == [
        (Code.INVALID, "rule.not.bought.select.variants"),
        (Code.INVALID, "rule.not.bought.select.products"),
    ]


def test_the_size_of_a_draft_counts_buyers(market: Market) -> None:
    """Before it is saved."""
    ann = member(market)
    member(market)
    market.buys(ann, market.variants[0])
    rule = {"bought": {"select": {"variants": [str(market.variants[0].pk)]}}}
    draft = Draft("some", "Some", rule)
    opposite = Draft("some", "Some", {"not": rule})

    assert segments.preview_segment(market.program, draft).size == 1
    assert segments.preview_segment(market.program, opposite).size == 1
