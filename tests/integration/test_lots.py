"""Lots in the ledger: how long they live, and what lengthens them."""

from __future__ import annotations

import pytest

from saleor_retention.engine.rules import DeficitPolicy
from saleor_retention.models import Account, Book, LotExtension
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import lots, taking
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

INACTIVITY = {"policy": "inactivity", "count": 90}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points die after 90 days without activity."""
    return ledger.open_shop(monkeypatch, expiry=INACTIVITY)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


@pytest.mark.parametrize(
    ("expiry", "expires_at"),
    [
        ({"policy": "never"}, None),
        ({"policy": "days", "count": 10}, "2026-03-11 23:00"),
        ({"policy": "end_of_month", "count": 1}, "2026-04-30 22:00"),
        ({"policy": "end_of_year", "count": 0}, "2026-12-31 23:00"),
        ({"policy": "inactivity", "count": 10}, "2026-03-11 23:00"),
    ],
)
def test_a_lot_lives_as_its_program_says_in_local_days(
    monkeypatch: pytest.MonkeyPatch, expiry: dict[str, object], expires_at: str | None
) -> None:
    """Paid at 00:30 in Paris on the first of March, which is still February in UTC."""
    shop = ledger.open_shop(monkeypatch, time_zone="Europe/Paris", expiry=expiry)
    ann = shop.member("ann")
    shop.buys(ann, "o1", "50.00", now=at("2026-02-28 23:30"))

    (lot,) = ledger.lots(ann)
    assert lot.expires_at == (at(expires_at) if expires_at else None)


def test_what_is_available_is_taken_by_a_clock_that_is_behind(ann: Account) -> None:
    """Who waited for the lock decides by an earlier instant than the one that made it available.

    Points left available beside the deficit that it would book are refused by the database.
    """
    ledger.give(ann, 50, opened_at=at("2026-03-02 10:00"))
    ann.refresh_from_db()
    before = at("2026-03-02 09:59")

    legs, takes = taking.taken(
        ann, 70, Book.CLAWBACK, order_ref=None, policy=DeficitPolicy.DEFICIT, now=before
    )

    assert [take.points for take in takes] == [50]
    assert sum(leg.points for leg in legs if leg.book == Book.AVAILABLE) == -50
    assert sum(leg.points for leg in legs if leg.book == Book.DEFICIT) == -20


def test_a_purchase_lengthens_what_lives(shop: Shop, ann: Account) -> None:
    """Each lot counts anew from the second purchase."""
    shop.buys(ann, "o1", "10.00", now=at("2026-03-01 10:00"))
    shop.buys(ann, "o2", "10.00", now=at("2026-04-01 10:00"))

    assert [lot.expires_at for lot in ledger.lots(ann)] == [at("2026-07-01"), at("2026-07-01")]


def test_a_lengthening_is_recorded(shop: Shop, ann: Account) -> None:
    """From when, to when, and for which order; once, however often it is settled."""
    lot = ledger.give(ann, 5, expires_at=at("2026-03-15"))
    shop.buys(ann, "o1", "10.00", now=at("2026-03-01 10:00"))
    shop.settle("o1", at("2026-03-20"))

    row = LotExtension.objects.get()
    assert (row.lot, row.cause, row.activity_at) == (lot, "order:o1", at("2026-03-01 10:00"))
    assert (row.from_at, row.to_at) == (at("2026-03-15"), at("2026-05-31"))


def test_a_late_event_lengthens_from_the_activity_not_from_its_arrival(
    shop: Shop, ann: Account
) -> None:
    """A lot that died between the purchase and its late event lived at the purchase: it lives."""
    ledger.give(ann, 5, expires_at=at("2026-03-15"))
    shop.host.put_order(ledger.order("o1", ledger.line("a", 1000), user_ref=str(ann.user_id)))
    shop.settle("o1", at("2026-04-01"))

    assert ledger.lots(ann)[0].expires_at == at("2026-05-31")
    assert ledger.balances(ann) == (15, 0, 0, 0)


def test_what_died_before_the_purchase_stays_dead(shop: Shop, ann: Account) -> None:
    """And is posted as breakage, at its instant."""
    ledger.give(ann, 5, expires_at=at("2026-02-15"))
    shop.buys(ann, "o1", "10.00", now=at("2026-03-01 10:00"))

    assert ledger.balances(ann) == (10, 0, 0, 0)
    assert LotExtension.objects.count() == 0


def test_nothing_is_ever_shortened(shop: Shop, ann: Account) -> None:
    """A lot that lives longer than the policy, or for ever, keeps its life."""
    ledger.give(ann, 5, expires_at=at("2027-01-01"))
    ledger.give(ann, 5)
    shop.buys(ann, "o1", "10.00", now=at("2026-03-01 10:00"))

    assert [lot.expires_at for lot in ledger.lots(ann)][:2] == [at("2027-01-01"), None]


def test_a_change_of_policy_leaves_lots_alone(shop: Shop, ann: Account) -> None:
    """The new policy is for new lots; and without the inactivity policy nothing is lengthened."""
    shop.buys(ann, "o1", "10.00", now=at("2026-03-01 10:00"))
    shop.change_rules({"expiry": {"policy": "days", "count": 5}}, at("2026-03-02"))
    shop.buys(ann, "o2", "10.00", now=at("2026-03-03 10:00"))

    assert [lot.expires_at for lot in ledger.lots(ann)] == [at("2026-05-31"), at("2026-03-09")]


def test_inactivity_counts_from_the_switch_at_the_earliest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A purchase of before the switch, settled after it, lengthens to 90 days from the switch."""
    shop = ledger.open_shop(monkeypatch, expiry={"policy": "days", "count": 60})
    ann = shop.member("ann")
    ledger.give(ann, 5, expires_at=at("2026-04-01"))
    shop.change_rules({"expiry": INACTIVITY}, at("2026-03-10 08:00"))
    shop.change_rules({"welcome_points": 1}, at("2026-03-20"))  # the policy stays
    shop.buys(ann, "o1", "10.00", now=at("2026-03-01 10:00"))

    assert ledger.lots(ann)[0].expires_at == at("2026-06-09")


def test_lots_of_a_shadow_wait_without_a_life(shop: Shop) -> None:
    """A guest's points count from the claim."""
    shop.host.put_order(ledger.order("o1", ledger.line("a", 1000)))
    record = shop.settle("o1", at("2026-03-01 10:00"))

    assert record.account is not None
    (lot,) = ledger.lots(record.account)
    assert (lot.valid_from, lot.expires_at, lot.is_pending) == (None, None, True)


def test_validity_that_moves_does_not_take_a_lengthening_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A waiting lot was lengthened; another date of fulfilment keeps the longer life."""
    shop = ledger.open_shop(
        monkeypatch, expiry=INACTIVITY, maturing={"rule": "days_after_fulfilment", "days": 30}
    )
    ann = shop.member("ann")
    shop.buys(ann, "o1", "10.00", fulfilled_at=at("2026-03-01 10:00"))
    (waiting,) = ledger.lots(ann)
    shop.buys(ann, "o2", "10.00", now=at("2026-03-30 10:00"))
    (longer, _) = ledger.lots(ann)
    lots.set_validity(longer, ledger.rules(shop.program), at("2026-04-02 10:00"))

    assert waiting.expires_at == at("2026-06-30")
    assert longer.expires_at == at("2026-07-02")
    assert breaches() == []
