"""Tasks of staff: opened by hand and by segments, changed, closed, and forgotten."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from saleor_retention.engine.segments.bands import Limits
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    AuditEntry,
    FollowUp,
    FollowUpOutcome,
    Segment,
    SegmentEvent,
)
from saleor_retention.selectors import persons
from saleor_retention.services.membership import erasing, segments
from saleor_retention.services.membership.follow_ups import Plan, change_task, close_task, open_task
from saleor_retention.services.membership.segments import Draft
from tests import ledger
from tests.customers import record_order
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
DAY = dt.timedelta(days=1)
TODAY = dt.date(2026, 3, 10)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose program counts in UTC."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


@pytest.fixture
def clerk() -> str:
    """The reference of somebody on the staff."""
    return str(get_user_model().objects.create(email="clerk@example.com", is_staff=True).pk)


def opened(account: Account, **changes: Any) -> FollowUp:
    """Open a task that is due tomorrow."""
    given = {"reason": "Call Ann about the chair", "due_on": TODAY + DAY, **changes}
    return open_task(account, Plan(**given), actor_ref="user:1", now=NOON)


def trail() -> list[tuple[str, list[str]]]:
    """Return what the audit trail tells of tasks, oldest first."""
    rows = (
        AuditEntry.objects.filter(action__startswith="follow_up")
        .order_by("pk")
        .values_list("action", "changes")
    )
    return [(action, [line.partition(": ")[2] for line in lines]) for action, lines in rows]


def refused(work: Any) -> list[tuple[Code, str | None]]:
    """Return why something is refused, having seen that nothing was written."""
    before = list(FollowUp.objects.order_by("pk").values()), AuditEntry.objects.count()
    with pytest.raises((Refusal, Refusals)) as caught:
        work()
    assert before == (list(FollowUp.objects.order_by("pk").values()), AuditEntry.objects.count())
    raised: Any = caught.value
    found = raised.refusals if isinstance(raised, Refusals) else [raised]
    return [(refusal.code, refusal.field) for refusal in found]


def test_a_task_is_opened_changed_and_done(ann: Account, clerk: str) -> None:
    """Each step on record, without what was typed."""
    task = opened(ann)
    plan = Plan("Call Ann about the table", TODAY + 2 * DAY, clerk)
    change_task(task, plan, actor_ref="user:2", now=NOON)
    change_task(task, plan, actor_ref="user:2", now=NOON)
    close_task(
        task, FollowUpOutcome.BOUGHT, note="Ann took two", actor_ref="user:2", now=NOON + DAY
    )

    row = FollowUp.objects.get()
    assert (row.account, row.program_id, row.segment) == (ann, ann.program_id, None)
    assert (row.reason, row.due_on, row.assignee_ref) == (plan.reason, plan.due_on, clerk)
    assert (row.state, row.outcome, row.note) == ("done", "bought", "Ann took two")
    assert (row.created_by, row.closed_by, row.closed_at) == ("user:1", "user:2", NOON + DAY)
    assert trail() == [
        ("follow_up_open", ["due on 2026-03-11"]),
        (
            "follow_up_change",
            [
                "the reason is another",
                "due on 2026-03-12 instead of 2026-03-11",
                "given to a member of staff",
            ],
        ),
        ("follow_up_close", ["bought"]),
    ]
    assert "Ann" not in str(list(AuditEntry.objects.values()))


def test_a_task_is_dropped_without_an_outcome(ann: Account) -> None:
    """With a note."""
    task = close_task(opened(ann), None, note="Moved away", actor_ref="user:1", now=NOON)

    assert (task.state, task.outcome, task.note) == ("dropped", "", "Moved away")
    assert trail()[-1] == ("follow_up_close", ["dropped"])


def test_a_closed_task_stays_closed(ann: Account) -> None:
    """It is neither changed nor closed again."""
    task = close_task(opened(ann), None, actor_ref="user:1", now=NOON)
    plan = Plan("Once more", TODAY)

    closed = [(Code.INVALID, "id")]
    assert refused(lambda: change_task(task, plan, actor_ref="", now=NOON)) == closed
    for outcome in (None, FollowUpOutcome.REACHED):
        assert refused(lambda: close_task(task, outcome, actor_ref="", now=NOON)) == closed  # noqa: B023 - called at once


def test_everything_wrong_is_said_at_once(shop: Shop, ann: Account) -> None:
    """Customers are no staff; nothing is due before today, unless it was already."""
    customer = shop.customer("ben")
    wrong = {"reason": " ", "due_on": TODAY - DAY, "assignee_ref": customer}
    assert refused(lambda: opened(ann, **wrong)) == [
        (Code.REQUIRED, "reason"),
        (Code.INVALID, "dueOn"),
        (Code.NOT_FOUND, "assigneeId"),
    ]
    for ref in ("nobody", "99999999999999"):
        assert refused(lambda: opened(ann, assignee_ref=ref)) == [  # noqa: B023 - called at once
            (Code.NOT_FOUND, "assigneeId")
        ]
    assert refused(lambda: opened(ann, reason="x" * 2001)) == [(Code.INVALID, "reason")]
    task = opened(ann)
    long = "x" * 2001
    assert refused(lambda: close_task(task, None, note=long, actor_ref="")) == [
        (Code.INVALID, "note")
    ]

    late = NOON + 9 * DAY
    other = change_task(task, Plan("Write", task.due_on), actor_ref="", now=late)
    assert other.reason == "Write"
    earlier = Plan("Write", task.due_on - DAY)
    assert refused(lambda: change_task(task, earlier, actor_ref="", now=late)) == [
        (Code.INVALID, "dueOn")
    ]


def test_erasure_drops_tasks_and_takes_their_words(ann: Account) -> None:
    """What came of them stays, for the sums."""
    opened(ann)
    close_task(
        opened(ann), FollowUpOutcome.REACHED, note="Ann is kind", actor_ref="user:1", now=NOON
    )

    erasing.erase(persons.of_account(ann), reason="asked for", actor_ref="user:1", now=NOON + DAY)

    rows = FollowUp.objects.order_by("pk").values_list("state", "outcome", "reason", "note")
    assert list(rows) == [("dropped", "", "", ""), ("done", "reached", "", "")]
    assert refused(lambda: opened(ann)) == [(Code.NOT_A_MEMBER, "memberId")]


# --- asked for by segments ------------------------------------------------------------------------


def segment_of(shop: Shop, document: Any, **changes: Any) -> Segment:
    """Create a segment that asks for a task due in two days."""
    draft = Draft("chosen", "Chosen", document, follow_up="Ask why", follow_up_days=2, **changes)
    return segments.create_segment(shop.program, draft, now=NOON)


def tasks() -> list[tuple[int, str, dt.date]]:
    """Return (account, reason, due on) of all tasks."""
    rows = FollowUp.objects.order_by("pk").values_list("account_id", "reason", "due_on")
    return list(rows)


def test_who_comes_into_a_segment_is_a_task(shop: Shop, ann: Account) -> None:
    """Not who is in it from the start, and once for each coming in."""
    ben = shop.member("ben")
    record_order(ben, NOON - 10 * DAY, 1000)
    segments.nightly(shop.program, NOON)
    segment = segment_of(shop, {"orders": {"from": 1}})
    assert (segment.members.count(), tasks()) == (1, [])

    record_order(ann, NOON, 1000)
    for day in range(3):
        segments.nightly(shop.program, NOON + day * DAY)

    assert tasks() == [(ann.pk, "Ask why", TODAY + 2 * DAY)]
    task = FollowUp.objects.get()
    event = SegmentEvent.objects.get(segment=segment, account=ann)
    assert (task.segment, task.segment_event, task.created_by) == (segment, event.pk, "")
    assert trail() == []


def test_a_segment_asks_for_no_more_than_it_may(
    shop: Shop, ann: Account, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Those who spent most come first; a task that is closed makes room for who comes then."""
    settings.RETENTION_FOLLOW_UPS_OPEN_MAX = 2
    segment_of(shop, {"orders": {"from": 1}})
    others = [shop.member(name) for name in ("ben", "cid", "dan")]
    for member, minor in zip([ann, *others], (1000, 3000, 500, 2000), strict=True):
        record_order(member, NOON, minor)
    with caplog.at_level(logging.WARNING):
        segments.nightly(shop.program, NOON)

    assert [account_id for account_id, _, _ in tasks()] == [others[0].pk, others[2].pk]
    assert "2 of 4 who came are not asked for" in caplog.text

    close_task(FollowUp.objects.all()[0], None, actor_ref="user:1", now=NOON)
    eve = shop.member("eve")
    record_order(eve, NOON, 100)
    segments.nightly(shop.program, NOON + DAY)
    assert [account_id for account_id, _, _ in tasks()][2:] == [eve.pk]


def test_coming_back_asks_again_once_the_first_task_is_closed(shop: Shop, ann: Account) -> None:
    """Nobody has two open tasks of one segment."""
    segment = segment_of(shop, None)

    def in_and_out(now: dt.datetime) -> None:
        segments.change_list(segment, add=[ann.pk], now=now)
        segments.change_list(segment, remove=[ann.pk], now=now)

    in_and_out(NOON)
    in_and_out(NOON + DAY)
    assert len(tasks()) == 1
    close_task(FollowUp.objects.get(), FollowUpOutcome.NOT_REACHED, actor_ref="user:1", now=NOON)
    in_and_out(NOON + 2 * DAY)

    assert [due_on for _, _, due_on in tasks()] == [TODAY + 2 * DAY, TODAY + 4 * DAY]


def test_other_limits_of_bands_ask_for_nobody(shop: Shop, ann: Account) -> None:
    """Who comes in by them came in by a decision of the shop, and not by himself."""
    record_order(ann, NOON - 70 * DAY, 1000)
    segments.nightly(shop.program, NOON)
    segment = segment_of(shop, {"band": ["sleeping"]})

    segments.set_bands(shop.program, Limits(1, 2, 6, 12), NOON)

    assert (segment.members.count(), tasks()) == (1, [])


def test_a_segment_that_asks_for_nothing_opens_no_task(shop: Shop, ann: Account) -> None:
    """Also one that asks no more."""
    segment = segment_of(shop, None)
    segments.update_segment(segment, Draft("chosen", "Chosen", None), now=NOON)
    segments.change_list(segment, add=[ann.pk], now=NOON)

    assert (segment.members.count(), tasks()) == (1, [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"follow_up": "x" * 501}, "followUp.reason"),
        ({"follow_up": "x", "follow_up_days": 366}, "followUp.days"),
        ({"follow_up": "x", "follow_up_days": -1}, "followUp.days"),
    ],
)
def test_what_a_segment_cannot_ask_for(shop: Shop, changes: dict[str, Any], field: str) -> None:
    """Named by its field."""
    with pytest.raises(Refusals) as caught:
        segments.create_segment(shop.program, Draft("a", "A", None, **changes), now=NOON)

    assert [refusal.field for refusal in caught.value.refusals] == [field]
    assert not Segment.objects.exists()
