"""Questionnaires without an order: once in a period, summed up, led to, told, forgotten."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.export.records import record_of
from saleor_retention.models import Account, SurveyAnswer, Transaction
from saleor_retention.selectors import holdings, persons, surveys
from saleor_retention.services.campaigning import campaign_planning, campaigns, sending
from saleor_retention.services.membership import erasing, members
from saleor_retention.services.membership.feedback import give_feedback
from saleor_retention.services.membership.surveys import Answered
from tests import ledger
from tests.campaigns import MESSAGE, QUESTIONS, campaign_of, outcome, reader
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

NOON = at("2026-03-10 12:00")
FEEDBACK: dict[str, Any] = {
    "program": {
        "per": "quarter",
        "questions": [
            {"key": "stars", "label": "How do you like it?", "type": "number", "required": True},
            {"key": "more", "label": "Anything else?"},
        ],
    },
    "lost-reason": {"questions": [{"key": "why", "label": "Why?"}]},
}
GOOD = {"stars": 4, "more": "Thank you, Ann"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shop:
    """A shop that asks about its program, and gives points for answers about orders."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.RETENTION_PUBLIC_URL = "https://api.example.com/"
    mail.outbox = []
    return ledger.open_shop(
        monkeypatch,
        feedback=FEEDBACK,
        events={"survey": {"points": 20}},
        questions=QUESTIONS,
    )


def answer(
    shop: Shop, account: Account, slug: str = "program", now: dt.datetime = NOON, **given: Any
) -> Answered:
    """Answer a questionnaire."""
    return give_feedback(
        program=shop.program,
        user_ref=str(account.user_id),
        slug=slug,
        given=given or GOOD,
        now=now,
    )


def refused(
    shop: Shop, account: Account, *args: Any, **given: Any
) -> list[tuple[Code, str | None]]:
    """Return why an answer is refused, having seen that nothing was stored."""
    before = SurveyAnswer.objects.count()
    with pytest.raises((Refusal, Refusals)) as caught:
        answer(shop, account, *args, **given)
    assert SurveyAnswer.objects.count() == before
    raised: Any = caught.value
    found = raised.refusals if isinstance(raised, Refusals) else [raised]
    return [(each.code, each.field) for each in found]


def test_once_in_a_period(shop: Shop) -> None:
    """The same again changes nothing, another opinion waits for the next quarter; no points."""
    ann = shop.member("ann")

    first, again = answer(shop, ann), answer(shop, ann)
    later = answer(shop, ann, now=at("2026-04-01 12:00"), stars=1)

    assert (first.is_new, again.is_new, later.is_new) == (True, False, True)
    assert again.answer == first.answer
    assert (first.answer.answers, first.answer.period) == (GOOD, "2026-q1")
    assert (later.answer.answers, later.answer.period) == ({"stars": 1}, "2026-q2")
    assert refused(shop, ann, stars=1) == [(Code.UNIQUE, "survey")]
    assert {row.points for row in SurveyAnswer.objects.all()} == {0}
    assert not Transaction.objects.filter(account=ann).exists()


def test_what_is_refused(shop: Shop) -> None:
    """By field, and nothing of it is stored."""
    ann, bob = shop.member("ann"), shop.member("bob")
    members.leave(shop.program, str(bob.user_id), now=NOON)

    assert refused(shop, ann, "nothing") == [(Code.NOT_FOUND, "survey")]
    assert refused(shop, ann, more="x") == [(Code.REQUIRED, "answers.stars")]
    assert refused(shop, ann, stars=9) == [(Code.INVALID, "answers.stars")]
    assert refused(shop, bob) == [(Code.NOT_A_MEMBER, None)]


def test_the_database_holds_it_too(shop: Shop) -> None:
    """One row for a member and period, and none about an order and a questionnaire at once."""
    ann = shop.member("ann")
    row = answer(shop, ann).answer
    for change in ({}, {"order_ref": "o1", "period": "x"}, {"survey": "", "period": ""}):
        copy = {
            "account": ann,
            "program": shop.program,
            "survey": row.survey,
            "period": row.period,
            "version_id": row.version_id,
            "answered_at": NOON,
        }
        with pytest.raises(IntegrityError), transaction.atomic():
            SurveyAnswer.objects.create(**{**copy, **change})


def test_each_is_summed_up_apart(shop: Shop) -> None:
    """By its questions; the survey about orders knows nothing of it."""
    for name, stars in (("ann", 5), ("bob", 2)):
        answer(shop, shop.member(name), stars=stars)

    found = surveys.summary(shop.program, survey="program")

    assert (found.count, found.figures[0].count, found.figures[0].average) == (2, 2, 3.5)
    assert surveys.summary(shop.program).count == 0
    assert surveys.summary(shop.program, survey="lost-reason").count == 0
    assert list(surveys.answers_of(shop.program)) == []


def test_a_campaign_leads_to_it(shop: Shop) -> None:
    """Templates name it; who has answered in this period is not asked again."""
    ann, bob = reader(shop, "ann"), reader(shop, "bob")
    texts = {"en": {"subject": "Tell us", "text": "https://shop.example/say?s={{ feedback }}"}}
    message = {**MESSAGE, "texts": texts, "feedback": "program"}
    campaign = campaign_of(shop.program, {"kind": "once", "on": "2026-03-10"}, message=message)
    campaigns.start_campaign(campaign, NOON)
    answer(shop, bob)

    campaign_planning.plan_due(NOON)
    sending.send_due(now=NOON)

    assert outcome(campaign) == {ann.pk: "sent", bob.pk: "no_longer_due"}
    (sent,) = mail.outbox
    assert sent.body == "https://shop.example/say?s=program"


def test_a_campaign_leads_to_what_is_there(shop: Shop) -> None:
    """A name of nothing is refused by its field."""
    message = {**MESSAGE, "feedback": "programme"}

    with pytest.raises(Refusals) as caught:
        campaign_of(shop.program, {"kind": "once", "on": "2026-03-10"}, message=message)

    assert [refusal.field for refusal in caught.value.refusals] == ["message.feedback"]


def test_answers_are_in_the_export(shop: Shop) -> None:
    """Under the name of the questionnaire and the words that were asked."""
    ann = shop.member("ann")
    answer(shop, ann)

    (told,) = [
        record_of(holding, is_for_staff=False)
        for holding in holdings.walk([ann.pk])
        if holding.section == holdings.Section.SURVEY
    ]

    assert told.text == (
        '2026-03-10: answered to program, 2026-q1: Anything else? "Thank you, Ann"; '
        "How do you like it? 4."
    )
    assert told.data == {
        "survey": "program",
        "period": "2026-q1",
        "answered_at": "2026-03-10T12:00:00+00:00",
        "answers": GOOD,
    }


def test_answers_go_with_the_customer(shop: Shop) -> None:
    """Who is erased has said nothing."""
    ann = shop.member("ann")
    answer(shop, ann)

    erasing.erase(persons.of_account(ann), reason="asked for", actor_ref="user:1", now=NOON)

    assert SurveyAnswer.objects.count() == 0
