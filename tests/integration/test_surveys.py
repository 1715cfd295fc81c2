"""Surveys about orders: answered once by the owner, rewarded, summed up, asked for, forgotten."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.core import mail

from saleor_retention.engine.facts import OrderState
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.graphql import words
from saleor_retention.models import Account, AuditEntry, MemberEvent, SurveyAnswer, Transaction
from saleor_retention.selectors import persons, surveys
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.membership import erasing, events, members, segments
from saleor_retention.services.membership.surveys import Answered, answer_survey
from saleor_retention.services.ordering import pos
from saleor_retention.services.ordering.pos import MemberKey, SaleLine
from tests import ledger
from tests.campaigns import QUESTIONS, campaign_of, outcome, reader
from tests.fakes import CHANNEL, at, line, order
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
DAY = dt.timedelta(days=1)
SURVEY = {
    "questions": [
        {"key": "stars", "label": "How was it?", "type": "number", "required": True},
        {"key": "found", "label": "Found by", "type": "choice", "options": ["friend", "ad"]},
        {"key": "more", "label": "Anything else?"},
    ]
}
GOOD = {"stars": 5, "found": "ad", "more": "Thank you, Ann"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop that asks about orders and gives 20 points, twice a month."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    mail.outbox = []
    return ledger.open_shop(
        monkeypatch,
        survey=SURVEY,
        events={"survey": {"points": 20, "per_month_max": 2}},
        questions=QUESTIONS,
    )


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member with three paid orders of nothing."""
    account = shop.member("ann")
    for ref in ("o1", "o2", "o3"):
        bought(shop, account, ref)
    return account


def bought(shop: Shop, account: Account, ref: str, **facts: Any) -> None:
    """Put an order into the shop that no settling has seen."""
    shop.host.put_order(order(ref, line("a", 1000), user_ref=str(account.user_id), **facts))


def answer(account: Account, ref: str = "o1", now: dt.datetime = NOON, **given: Any) -> Answered:
    """Answer about an order."""
    return answer_survey(user_ref=str(account.user_id), order_ref=ref, given=given or GOOD, now=now)


def refused(account: Account, ref: str = "o1", **given: Any) -> tuple[Code, str | None]:
    """Return why an answer is refused, having seen that nothing was stored."""
    before = SurveyAnswer.objects.count(), MemberEvent.objects.count()
    with pytest.raises((Refusal, Refusals)) as caught:
        answer(account, ref, **given)
    assert (SurveyAnswer.objects.count(), MemberEvent.objects.count()) == before
    raised: Any = caught.value
    first = raised.refusals[0] if isinstance(raised, Refusals) else raised
    return first.code, first.field


def test_answers_are_stored_and_rewarded(ann: Account) -> None:
    """With the points of the rule in a lot of their own, and nothing for the audit trail."""
    answered = answer(ann)

    row = SurveyAnswer.objects.get()
    assert (answered.answer, answered.is_new) == (row, True)
    assert (row.account, row.order_ref, row.answers) == (ann, "o1", GOOD)
    assert (row.points, row.answered_at) == (20, NOON)
    assert ledger.balances(ann) == ledger.replayed(ann) == (20, 0, 0, 0)
    posted = Transaction.objects.get()
    reason = words.said(words.reason(posted.kind, posted.rule_key, "", posted.cause))
    assert reason == "For answering a survey."
    assert not AuditEntry.objects.exists()
    assert breaches() == []


def test_one_order_is_answered_for_once(ann: Account) -> None:
    """The same again changes nothing, also under later rules; other answers are refused."""
    first = answer(ann)
    again = answer(ann, now=NOON + DAY)

    assert (again.answer, again.is_new) == (first.answer, False)
    assert refused(ann, stars=1) == (Code.UNIQUE, "orderId")
    assert SurveyAnswer.objects.get().answers == GOOD
    assert ledger.balances(ann) == (20, 0, 0, 0)


def test_limits_are_those_of_the_event(ann: Account) -> None:
    """Beyond them answers are stored and bring nothing."""
    points = [answer(ann, ref).answer.points for ref in ("o1", "o2", "o3")]

    assert points == [20, 20, 0]
    assert ledger.balances(ann) == (40, 0, 0, 0)
    outcomes = MemberEvent.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["rewarded", "rewarded", "month_max"]


def test_without_a_rule_nothing_is_booked(shop: Shop, ann: Account) -> None:
    """The answers are stored all the same."""
    shop.change_rules({"events": {}}, NOON)

    assert answer(ann, now=NOON + DAY).answer.points == 0
    assert not MemberEvent.objects.exists()


def test_an_order_of_somebody_else_looks_like_none(shop: Shop, ann: Account) -> None:
    """Whatever else is wrong with it."""
    ben = shop.member("ben")
    bought(shop, ann, "unpaid", is_paid=False)

    for ref in ("o1", "unpaid", "there is none"):
        assert refused(ben, ref, stars=9) == (Code.NOT_FOUND, "orderId")


def test_only_what_was_paid_and_stays_is_asked_about(shop: Shop, ann: Account) -> None:
    """Drafts, unpaid and canceled orders are refused."""
    bought(shop, ann, "unpaid", is_paid=False)
    bought(shop, ann, "canceled", state=OrderState.CANCELED)
    bought(shop, ann, "draft", state=OrderState.DRAFT)

    for ref in ("unpaid", "canceled", "draft"):
        assert refused(ann, ref) == (Code.INVALID, "orderId")


def test_who_may_not_answer(shop: Shop, ann: Account) -> None:
    """Who has left; and nobody where nothing is asked or no program runs."""
    ben = shop.member("ben")
    bought(shop, ben, "b1")
    members.leave(shop.program, str(ben.user_id), now=NOON)
    assert refused(ben, "b1") == (Code.NOT_A_MEMBER, "orderId")

    shop.change_rules({"survey": {}}, NOON)
    assert refused(ann) == (Code.INVALID, "orderId")
    bought(shop, ann, "elsewhere", channel_ref="other")
    assert refused(ann, "elsewhere") == (Code.PROGRAM_INACTIVE, "orderId")


def test_every_wrong_answer_is_named(ann: Account) -> None:
    """By its question."""
    assert refused(ann, stars=6) == (Code.INVALID, "answers.stars")
    assert refused(ann, found="ad") == (Code.REQUIRED, "answers.stars")
    with pytest.raises(Refusals) as caught:
        answer(ann, stars=0, found="radio", moer="x")
    assert [refusal.field for refusal in caught.value.refusals] == [
        "answers.stars",
        "answers.found",
        "answers.moer",
    ]


def test_the_plugins_own_source_is_nobody_elses(ann: Account) -> None:
    """Else an app could stand in the way of an answer."""
    with pytest.raises(Refusal) as caught:
        events.record_event(account=ann, source="survey", reference="o1", kind="survey", now=NOON)

    assert (caught.value.code, caught.value.field) == (Code.INVALID, "source")


def test_what_answers_come_to(shop: Shop, ann: Account) -> None:
    """Counted in the database, by the questions as they are, of a period."""
    ben = shop.member("ben")
    bought(shop, ben, "b1")
    answer(ann, "o1", stars=5, found="ad", more="x")
    answer(ann, "o2", NOON + DAY, stars=4, found="friend")
    answer(ben, "b1", NOON + 2 * DAY, stars=4, found="ad", more="y")

    found = surveys.summary(shop.program)
    later = surveys.summary(shop.program, NOON + DAY, NOON + 2 * DAY)

    stars, by, more = found.figures
    assert found.count == 3
    assert (stars.count, stars.average) == (3, Fraction(13, 3))
    assert [(each.value, each.count) for each in stars.shares][3:] == [("4", 2), ("5", 1)]
    assert [(each.value, each.share) for each in by.shares] == [
        ("friend", Fraction(1, 3)),
        ("ad", Fraction(2, 3)),
    ]
    assert (more.count, more.shares) == (2, ())
    assert (later.count, later.figures[0].average) == (1, 4)


def test_the_summary_of_questions_that_are_all_typed(shop: Shop, ann: Account) -> None:
    """And of a survey that is asked no more: counted, by no question."""
    answer(ann)
    shop.change_rules({"survey": {"questions": [{"key": "more", "label": "?"}]}}, NOON)
    typed = surveys.summary(shop.program)
    shop.change_rules({"survey": {}}, NOON)
    nothing = surveys.summary(shop.program)

    assert [(each.question.key, each.count) for each in typed.figures] == [("more", 1)]
    assert (nothing.count, nothing.figures) == (1, ())


def test_erasure_takes_the_answers_and_keeps_the_points_given_once(ann: Account) -> None:
    """Who begins anew may answer again, and gets nothing for it."""
    user_ref = str(ann.user_id)
    answer(ann)

    erasing.erase(persons.of_account(ann), reason="asked for", actor_ref="user:1", now=NOON + DAY)

    assert not SurveyAnswer.objects.exists()
    assert MemberEvent.objects.get().object_ref == ""
    again = answer_survey(user_ref=user_ref, order_ref="o1", given=GOOD, now=NOON + 2 * DAY)
    assert again.answer.account_id != ann.pk
    assert again.answer.points == 0
    assert ledger.balances(again.answer.account) == (0, 0, 0, 0)
    assert breaches() == []


# --- asking after an order ------------------------------------------------------------------------


def run(campaign: Any, now: dt.datetime) -> dict[int, str]:
    """Plan and send what is due at an instant; return what became of everybody."""
    campaign.refresh_from_db()
    campaign_planning.plan(campaign, now)
    while sending.send_due(now=now):
        pass
    return outcome(campaign)


def asking(shop: Shop, now: dt.datetime) -> Any:
    """Start a campaign that asks three days after an order."""
    texts = {"en": {"subject": "How was {{ order_number }}?", "text": "Tell us."}}
    campaign = campaign_of(
        shop.program,
        {"kind": "survey", "days_after": 3},
        message={"channel": "email", "texts": texts},
    )
    return campaigns.start_campaign(campaign, now)


def test_customers_are_asked_after_an_order(shop: Shop) -> None:
    """Once about the last order of the day; not who has answered, nor about receipts."""
    ada, ben, eve = reader(shop, "ada"), reader(shop, "ben"), reader(shop, "eve")
    for ref, account in (("a1", ada), ("a2", ada), ("b1", ben)):
        shop.buys(account, ref, "10.00", now=NOON)
    pos.record_sale(
        source="till",
        receipt="R-1",
        channel=CHANNEL,
        member=MemberKey(number=eve.member_number),
        sold_at=NOON,
        currency="USD",
        lines=[SaleLine(ref="a", quantity=1, gross=Decimal("20.00"))],
        now=NOON,
    )
    segments.nightly(shop.program, NOON)
    answer(ben, "b1")
    campaign = asking(shop, NOON)

    assert run(campaign, NOON + DAY) == {}
    assert run(campaign, NOON + 3 * DAY) == {ada.pk: "sent"}
    assert run(campaign, NOON + 4 * DAY) == {ada.pk: "sent"}
    assert [message.subject for message in mail.outbox] == ["How was a2?"]


def test_who_answers_before_the_message_goes_out_does_not_get_it(shop: Shop) -> None:
    """Planned, answered, left out."""
    ada = reader(shop, "ada")
    shop.buys(ada, "a1", "10.00", now=NOON)
    segments.nightly(shop.program, NOON)
    campaign = asking(shop, NOON)
    assert run(campaign, NOON + 2 * DAY) == {ada.pk: "planned"}  # the 13th begins in UTC+14

    answer(ada, "a1", NOON + 2 * DAY, stars=3)

    assert run(campaign, NOON + 3 * DAY) == {ada.pk: "no_longer_due"}


def test_nobody_is_asked_where_nothing_is(shop: Shop) -> None:
    """A program without a survey."""
    ada = reader(shop, "ada")
    shop.buys(ada, "a1", "10.00", now=NOON)
    segments.nightly(shop.program, NOON)
    shop.change_rules({"survey": {}}, NOON)

    assert run(asking(shop, NOON), NOON + 3 * DAY) == {}
