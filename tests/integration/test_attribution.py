"""Orders put down to touches: the statement agrees with its definition; edges of windows."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.engine.experiments.attribution import Attributed, Touch
from saleor_retention.engine.experiments.attribution import attributed as by_definition
from saleor_retention.engine.measures.figures import Sale
from saleor_retention.engine.periods import local_date
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import OrderRecord
from saleor_retention.selectors.attribution import attributed
from tests import ledger
from tests.customers import record_order
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

PARIS = "Europe/Paris"
FIRST, LAST = dt.date(2026, 2, 1), dt.date(2026, 3, 20)
WEEK = dt.timedelta(days=7)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose program counts in Paris."""
    return ledger.open_shop(monkeypatch, time_zone=PARIS)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("hours", [1, 24, 24 * 7, 24 * 40])
def test_the_statement_agrees_with_its_definition(shop: Shop, seed: int, hours: int) -> None:
    """Instants that often fall together, touches of one moment, orders that do not count."""
    draw = random.Random(seed)  # noqa: S311
    touches = []
    for number in range(25):
        account = shop.member(f"m{number}")
        for _ in range(draw.choice([0, 1, 2, 5])):
            moment = at("2026-01-20 00:00") + dt.timedelta(hours=draw.randrange(24 * 70))
            record_order(account, moment, draw.randrange(2000), is_counted=draw.random() < 0.8)
            touches += [
                Touch(account.pk, moment - dt.timedelta(hours=draw.choice([-1, 0, 1, 30])), key)
                for key in draw.sample(["campaign:2", "campaign:10", "Offer:1", "é"], 2)
            ]
        touches += [
            Touch(account.pk, at("2026-02-10 00:00") + dt.timedelta(hours=draw.randrange(900)), "x")
            for _ in range(draw.randrange(4))
        ]
    draw.shuffle(touches)
    sales = [
        Sale(record.pk, record.account_id, record.created_at, record.spend_minor)
        for record in OrderRecord.objects.filter(program=shop.program, is_counted=True)
        if FIRST <= local_date(record.created_at, PARIS) <= LAST
    ]
    window = dt.timedelta(hours=hours)

    found = attributed(shop.program, touches, window=window, first_day=FIRST, last_day=LAST)

    assert found == by_definition(sales, touches, window)
    assert found


def test_a_window_holds_its_end_and_nothing_after_the_order(shop: Shop) -> None:
    """A week before to the second counts, a second more does not; a later message never does."""
    ann, bob, cid = (shop.member(name) for name in ("ann", "bob", "cid"))
    noon = at("2026-03-01 12:00")
    for account, minor in ((ann, 100), (bob, 200), (cid, 400)):
        record_order(account, noon, minor)
    second = dt.timedelta(seconds=1)
    touches = [
        Touch(ann.pk, noon - WEEK, "mail"),
        Touch(bob.pk, noon - WEEK - second, "mail"),
        Touch(cid.pk, noon + second, "mail"),
    ]

    with CaptureQueriesContext(connection) as statements:
        found = attributed(shop.program, touches, window=WEEK, first_day=FIRST, last_day=LAST)

    assert found == [Attributed("mail", 1, 1, 100)]
    assert len([each for each in statements if "orderrecord" in each["sql"]]) == 1


def test_the_last_touch_takes_the_order_alone(shop: Shop) -> None:
    """Two sources, one order: the later; of one instant the key that sorts last."""
    ann = shop.member("ann")
    noon = at("2026-03-01 12:00")
    record_order(ann, noon, 700)
    day = dt.timedelta(days=1)
    earlier, later = Touch(ann.pk, noon - day, "z"), Touch(ann.pk, noon, "a")

    def told(*touches: Touch) -> list[Attributed]:
        return attributed(shop.program, touches, window=WEEK, first_day=FIRST, last_day=LAST)

    assert told(earlier, later) == [Attributed("a", 1, 1, 700)]
    assert told(earlier, Touch(ann.pk, noon - day, "b")) == [Attributed("z", 1, 1, 700)]
    assert told() == []


@pytest.mark.parametrize("window", [dt.timedelta(0), dt.timedelta(days=-1), dt.timedelta(days=366)])
def test_a_window_without_sense_is_refused(shop: Shop, window: dt.timedelta) -> None:
    """Nothing, less than nothing, more than a year."""
    with pytest.raises(Refusal) as refusal:
        attributed(shop.program, [], window=window, first_day=FIRST, last_day=LAST)

    assert (refusal.value.code, refusal.value.field) == (Code.INVALID, "window")
    assert refusal.value.message == "A window is longer than nothing and at most 365 days."
