"""Events that are rewarded: once, within the limits of their rule, and taken back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql import words
from saleor_retention.models import Account, AuditEntry, MemberEvent, Transaction
from saleor_retention.selectors import persons
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import maturing
from saleor_retention.services.membership import erasing, events, members
from saleor_retention.services.membership.events import Recorded
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
DAY = dt.timedelta(days=1)
EVENTS = {
    "review": {"points": 50, "per_day_max": 2, "per_month_max": 3},
    "favorite": {"points": 5, "maturing_days": 10},
    "follow": {"points": 10},
    "glance": {"points": 0, "name": "A glance"},
    "app_opened": {"points": 1, "name": "Opening the app", "per_object_max": 9},
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points live 90 days."""
    return ledger.open_shop(monkeypatch, events=EVENTS, expiry={"policy": "days", "count": 90})


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member without points."""
    return shop.member("ann")


def record(account: Account, reference: str = "r1", **changes: Any) -> Recorded:
    """Record a review of a product of its own as an app does."""
    given = {
        "source": "reviews",
        "kind": "review",
        "object_ref": f"p-{reference}",
        "at": NOON,
        "actor_ref": "app:1",
        "now": changes.get("at", NOON),
    }
    return events.record_event(account=account, reference=reference, **(given | changes))


def reverse(reference: str = "r1", now: dt.datetime = NOON) -> Recorded:
    """Delete the review."""
    return events.reverse_event(source="reviews", reference=reference, actor_ref="app:1", now=now)


def test_a_review_is_rewarded_in_a_lot_of_its_own(ann: Account) -> None:
    """Under the program's expiry, with the reason in words, on record."""
    recorded = record(ann)

    (lot,) = ledger.lots(ann)
    assert (lot.granted, lot.expires_at) == (50, at("2026-06-09"))
    assert recorded.is_new
    event = MemberEvent.objects.get()
    assert (event.outcome, event.points, event.lot_id) == ("rewarded", 50, lot.pk)
    row = Transaction.objects.get()
    assert (row.kind, row.key) == ("bonus", f"event:{event.pk}")
    assert words.said(words.reason(row.kind, row.rule_key, "", row.cause)) == "For a review."
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_ref, entry.account) == ("event_record", "app:1", ann)
    assert ledger.balances(ann) == ledger.replayed(ann) == (50, 0, 0, 0)
    assert breaches() == []


def test_sent_again_it_changes_nothing(ann: Account) -> None:
    """Also when the rule was changed since; other content under the name is refused."""
    first = record(ann)
    again = record(ann)

    assert again.event == first.event
    assert (again.is_new, ledger.balances(ann)) == (False, (50, 0, 0, 0))
    with pytest.raises(Refusal) as caught:
        record(ann, object_ref="p-other")
    assert (caught.value.code, caught.value.field) == (Code.KEY_REUSED, "reference")
    assert AuditEntry.objects.count() == 1


def test_one_without_a_time_is_of_now_and_the_same_when_it_is_sent_later(ann: Account) -> None:
    """A retry has no other content for coming later."""
    first = record(ann, at=None, now=NOON)
    again = record(ann, at=None, now=NOON + DAY)

    assert (first.event.at, again.is_new) == (NOON, False)


def test_the_name_of_an_event_is_one_of_its_source(shop: Shop, ann: Account) -> None:
    """Of another member it is other content; of another source another event."""
    record(ann)
    bob = shop.member("bob")

    with pytest.raises(Refusal) as caught:
        record(bob)
    assert caught.value.code is Code.KEY_REUSED
    record(bob, source="imports")
    assert ledger.balances(bob) == (50, 0, 0, 0)


def test_limits_by_object_day_and_month(ann: Account) -> None:
    """What is beyond them is recorded without points, and the limit named."""
    outcomes = [
        record(ann, "r1", object_ref="p-1").event.outcome,
        record(ann, "r2", object_ref="p-1").event.outcome,
        record(ann, "r3").event.outcome,
        record(ann, "r4").event.outcome,
        record(ann, "r5", at=NOON + DAY).event.outcome,
        record(ann, "r6", at=NOON + 2 * DAY).event.outcome,
        record(ann, "r7", at=at("2026-04-01 12:00")).event.outcome,
    ]

    assert outcomes == [
        "rewarded",
        "object_max",
        "rewarded",
        "day_max",
        "rewarded",
        "month_max",
        "rewarded",
    ]
    assert ledger.balances(ann) == (200, 0, 0, 0)
    assert MemberEvent.objects.filter(points=0, lot=None).count() == 3


def test_following_is_rewarded_once_for_ever(ann: Account) -> None:
    """It is about the shop; a rule without points only keeps a record."""
    outcomes = [
        record(ann, "f1", kind="follow", object_ref="").event.outcome,
        record(ann, "f2", kind="follow", object_ref="", at=NOON + 400 * DAY).event.outcome,
        record(ann, "g1", kind="glance").event.outcome,
    ]

    assert outcomes == ["rewarded", "object_max", "no_points"]


def test_the_merchants_own_event_is_called_by_its_name(ann: Account) -> None:
    """In the member's history."""
    record(ann, kind="app_opened", object_ref="")

    row = Transaction.objects.get()
    text = words.said(words.reason(row.kind, row.rule_key, "", row.cause))
    assert text == "A reward: Opening the app."


def test_points_may_wait(ann: Account) -> None:
    """They are pending for the days of the rule, from the event on."""
    record(ann, kind="favorite")

    assert ledger.balances(ann) == (0, 5, 0, 0)
    maturing.mature_due(NOON + 10 * DAY)
    assert ledger.balances(ann) == ledger.replayed(ann) == (5, 0, 0, 0)


def test_a_deleted_review_takes_its_points_back_once(ann: Account) -> None:
    """And says why."""
    record(ann)
    first, again = reverse(now=NOON + DAY), reverse(now=NOON + 2 * DAY)

    assert (first.is_new, again.is_new) == (True, False)
    assert again.event.reversed_at == NOON + DAY
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    row = Transaction.objects.get(kind="clawback")
    assert words.said(words.reason(row.kind, row.rule_key, "", row.cause)) == (
        "Taken back: what they were given for was undone."
    )
    assert ledger.lots(ann)[0].clawed == 50
    assert breaches() == []


def test_its_place_under_the_limits_stays_used(ann: Account) -> None:
    """Writing and deleting in turns earns once."""
    record(ann, "r1", object_ref="p-1")
    reverse("r1")

    assert record(ann, "r2", object_ref="p-1").event.outcome == "object_max"
    assert ledger.balances(ann) == (0, 0, 0, 0)


def test_pending_points_go_as_they_are(ann: Account) -> None:
    """Nothing else is touched."""
    ledger.give(ann, 100)
    record(ann, kind="favorite")
    reverse(now=NOON + DAY)

    assert ledger.balances(ann) == ledger.replayed(ann) == (100, 0, 0, 0)
    assert breaches() == []


@pytest.mark.parametrize(("days", "expired"), [(1, 0), (200, 30)])
def test_spent_points_are_taken_elsewhere_and_expired_ones_are_not(
    ann: Account, days: int, expired: int
) -> None:
    """Of 50 points 20 were spent, and the others died unspent within 200 days."""
    record(ann)
    ledger.spend(ledger.lots(ann)[0], 20, now=NOON)
    ledger.give(ann, 30)
    reverse(now=NOON + days * DAY)

    assert ledger.balances(ann) == ledger.replayed(ann) == (10, 0, 0, 0)
    assert ledger.lots(ann)[0].expired == expired
    assert breaches() == []


def test_what_no_lot_covers_is_owed(ann: Account) -> None:
    """By the program's rule for deficits."""
    record(ann)
    ledger.spend(ledger.lots(ann)[0], 20, now=NOON)
    reverse(now=NOON + DAY)

    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 20)
    assert breaches() == []


@pytest.mark.parametrize(
    ("changes", "refusals"),
    [
        ({"kind": "revue"}, [(Code.NOT_FOUND, "kind")]),
        (
            {"source": "a b", "reference": " ", "object_ref": "p-1"},
            [(Code.INVALID, "source"), (Code.REQUIRED, "reference")],
        ),
        ({"object_ref": "x" * 81}, [(Code.INVALID, "object")]),
        ({"at": NOON + DAY, "now": NOON}, [(Code.INVALID, "at")]),
        ({"at": at("2025-12-31"), "now": NOON}, [(Code.INVALID, "at")]),
    ],
)
def test_what_makes_no_event_is_refused(
    ann: Account, changes: dict[str, Any], refusals: list[tuple[Code, str]]
) -> None:
    """And nothing is kept of it."""
    with pytest.raises((Refusal, Refusals)) as caught:
        record(ann, **changes)

    found = getattr(caught.value, "refusals", [caught.value])
    assert [(refusal.code, refusal.field) for refusal in found] == refusals
    assert MemberEvent.objects.count() == AuditEntry.objects.count() == 0


def test_a_near_kind_is_suggested(ann: Account) -> None:
    """The sentence names it."""
    with pytest.raises(Refusal, match=r"did you mean review\?"):
        record(ann, kind="revue")


def test_who_left_is_not_rewarded_and_nothing_unknown_is_reversed(shop: Shop, ann: Account) -> None:
    """Points that were given before can still be taken back."""
    record(ann)
    members.leave(shop.program, str(ann.user_id), now=NOON)

    with pytest.raises(Refusal) as caught:
        record(ann, "r2")
    assert caught.value.code is Code.NOT_A_MEMBER
    with pytest.raises(Refusal) as unknown:
        reverse("r2")
    assert (unknown.value.code, unknown.value.field) == (Code.NOT_FOUND, "reference")
    reverse("r1")
    assert ledger.balances(ann) == (0, 0, 0, 0)


def test_an_erased_member_leaves_no_object_behind_and_owes_nothing(ann: Account) -> None:
    """The row stays for its sums."""
    record(ann)
    erasing.erase(persons.of_account(ann), reason="Asked", actor_ref="", now=NOON + DAY)
    reverse(now=NOON + 2 * DAY)

    event = MemberEvent.objects.get()
    assert (event.object_ref, event.content_hash, event.points) == ("", "", 50)
    assert event.reversed_at == NOON + 2 * DAY
    assert ledger.balances(ann) == ledger.replayed(ann) == (0, 0, 0, 0)
    assert breaches() == []
