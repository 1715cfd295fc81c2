"""What offers gave, counted from what orders use of them; counters that do not fit are named."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saleor_retention.models import Offer, OfferCounter, OfferUse, OfferUseState, Program
from saleor_retention.selectors.offer_statistics import OfferStatistics, statistics_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.offering import offers
from tests.fakes import FakeHost, at, use
from tests.members import NOON, make_member, make_program

pytestmark = pytest.mark.django_db

DOCUMENT = {"kind": "member_price", "member_price": {"percent": 5}}


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A shop in memory."""
    return use(monkeypatch)


@pytest.fixture
def program() -> Program:
    """A program."""
    return make_program()


def create(program: Program, slug: str) -> Offer:
    """Create an offer."""
    return offers.create_offer(
        program=program, slug=slug, name=slug, document=DOCUMENT, now=NOON
    ).offer


def use_of(offer: Offer, ref: str, **given: object) -> OfferUse:
    """Note down that an order used an offer."""
    defaults = {
        "version_id": offer.current_version_id,
        "checkout_ref": f"cart-{ref}",
        "order_ref": ref,
        "state": OfferUseState.USED,
        "uses": 1,
        "amount_minor": 100,
        "currency": "USD",
        "created_at": NOON,
        "lapses_at": NOON,
        "ended_at": NOON,
    }
    return OfferUse.objects.create(offer=offer, **{**defaults, **given})


def test_what_orders_keep_is_counted_by_offer_and_currency(program: Program) -> None:
    """Nothing only reserved, what came back apart; of a time, its end left out; one statement."""
    tea, cup, none = create(program, "tea"), create(program, "cup"), create(program, "none")
    use_of(tea, "o1", uses=2, amount_minor=800, returned_minor=300)
    use_of(tea, "o2", currency="EUR", amount_minor=70, created_at=at("2026-03-31 23:59"))
    use_of(tea, "o3", created_at=at("2026-04-01 00:00"))
    use_of(tea, "o4", state=OfferUseState.RESERVED)
    use_of(tea, "o5", state=OfferUseState.RETURNED)
    use_of(cup, "o1", amount_minor=1)

    with CaptureQueriesContext(connection) as statements:
        march = statistics_of(
            [tea.pk, cup.pk, none.pk], since=at("2026-03-01 00:00"), until=at("2026-04-01 00:00")
        )

    assert march == {
        tea.pk: OfferStatistics(3, 2, (("EUR", 70), ("USD", 500)), (("USD", 400),)),
        cup.pk: OfferStatistics(1, 1, (("USD", 1),)),
        none.pk: OfferStatistics(),
    }
    assert len(statements) == 1
    assert statistics_of([tea.pk])[tea.pk].uses == 4


def test_a_counter_is_the_sum_of_uses_reserved_and_taken(shop: FakeHost, program: Program) -> None:
    """In total and of a member, of all time and of a period; what came back does not count."""
    tea, ann = create(program, "tea"), make_member(shop, program)
    march = at("2026-03-01 00:00").date()
    use_of(tea, "o1", uses=2, account=ann)
    use_of(tea, "o2", state=OfferUseState.RESERVED)
    use_of(tea, "o3", state=OfferUseState.RETURNED, account=ann)
    use_of(tea, "o4", account=ann, period_start=march)
    counters = [
        OfferCounter.objects.create(offer=tea, account=account, period_start=start, used=used)
        for account, start, used in (
            (None, None, 4),
            (ann, None, 3),
            (None, march, 1),
            (ann, march, 1),
        )
    ]
    assert breaches(program) == []

    OfferCounter.objects.filter(pk__in=[counters[0].pk, counters[3].pk]).update(used=5)

    found = breaches(program)
    assert [(each.invariant, each.subject) for each in found] == [
        (11, "offer tea, in total"),
        (11, f"offer tea, member {ann.member_number} from 2026-03-01"),
    ]
    assert found[0].message == "Its counter is 5, and the uses reserved and taken make 4."
    other = Program.objects.create(slug="other", name="Other")
    assert breaches(other) == []
