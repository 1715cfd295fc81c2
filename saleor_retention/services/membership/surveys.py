"""Surveys about orders: answered once by the order's own customer, rewarded as an event is.

Points are those of the program's rule for the event ``survey``, within its limits. The event is
known by the order, so that nothing brings the points twice, not even an erasure in between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine.engagement import SURVEY
from saleor_retention.engine.facts import OrderFacts, OrderState
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.survey_answers import read_answers
from saleor_retention.engine.surveys import Survey
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import Account, AccountState, Program, SurveyAnswer
from saleor_retention.selectors.programs import active_program, rules_of
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.membership import events
from saleor_retention.services.membership.members import member_of

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers about an order, and whether they were stored now."""

    answer: SurveyAnswer
    is_new: bool


def survey_about(user_ref: str, order_ref: str | None) -> tuple[OrderFacts, Program, Survey]:
    """Return a customer's own order, and the program and the survey that ask about it.

    Refusals: NOT_FOUND (also for the order of somebody else), PROGRAM_INACTIVE, INVALID (nothing is
    asked, or the order is not paid or was called off).
    """
    facts = None if order_ref is None else host.current().order_facts(order_ref)
    if facts is None or facts.user_ref != user_ref:
        raise Refusal(Code.NOT_FOUND, phrase(_("There is no such order.")), "orderId")
    program = active_program(facts.channel_ref)
    if program is None or not program.is_active:
        raise Refusal(Code.PROGRAM_INACTIVE, phrase(_("No program is active here.")), "orderId")
    survey = rules_of(program.current_version_id).survey
    if not survey.is_on:
        raise Refusal(Code.INVALID, phrase(_("Nothing is asked about orders.")), "orderId")
    if not facts.is_paid or facts.state is not OrderState.OPEN:
        message = phrase(_("Only an order that was paid and not canceled can be answered for."))
        raise Refusal(Code.INVALID, message, "orderId")
    return facts, program, survey


def answer_survey(
    *, user_ref: str, order_ref: str | None, given: Given, now: dt.datetime | None = None
) -> Answered:
    """Store what a customer answers about his own order, and book what it brings.

    ``given`` has the answers by key (``engine.survey_answers``). Sent again it changes nothing;
    other answers are refused (UNIQUE). Locks the account. Refusals, besides those of
    ``survey_about``: NOT_A_MEMBER; REQUIRED and INVALID by answer, all of them at once.
    """
    moment = now or timezone.now()
    facts, program, survey = survey_about(user_ref, order_ref)

    def work() -> Answered:
        account = member_of(program, user_ref, now=moment)
        locked = None if account is None else lock_account(account.pk)
        if locked is None or locked.state != AccountState.MEMBER:
            message = phrase(_('You are not a member of "%(program)s".'), program=program.name)
            raise Refusal(Code.NOT_A_MEMBER, message, "orderId")
        existing = SurveyAnswer.objects.filter(order_ref=facts.ref).first()
        if existing is not None:
            if not is_same(existing, given, survey):
                message = phrase(_("This order was answered for already."))
                raise Refusal(Code.UNIQUE, message, "orderId")
            return Answered(existing, is_new=False)
        answers = checked(given, survey)
        stored = SurveyAnswer.objects.create(
            account=locked,
            program=program,
            order_ref=facts.ref,
            version_id=program.current_version_id,
            answers=answers,
            points=_rewarded(locked, program, facts.ref, moment),
            answered_at=moment,
        )
        return Answered(stored, is_new=True)

    return run_serialized(work)


def is_same(existing: SurveyAnswer, given: Given, survey: Survey) -> bool:
    """Tell whether answers are those that are stored."""
    answers, problems = read_answers(given, survey)
    return not problems and bool(answers == existing.answers)


def checked(given: Given, survey: Survey) -> dict[str, Any]:
    """Return answers as they are stored; ``Refusals`` with everything wrong in them."""
    answers, problems = read_answers(given, survey)
    if problems:
        raise Refusals(
            [
                Refusal(
                    Code.REQUIRED if problem.code == "REQUIRED" else Code.INVALID,
                    problem.message,
                    problem.field,
                )
                for problem in problems
            ]
        )
    return answers


def _rewarded(account: Account, program: Program, order_ref: str, now: dt.datetime) -> int:
    """Book the points of the program's rule; return how many, 0 where there is no rule."""
    if rules_of(program.current_version_id).event(SURVEY) is None:
        return 0
    recorded = events.record_event(
        account=account,
        source=SURVEY,
        reference=order_ref,
        kind=SURVEY,
        object_ref=order_ref,
        is_own_act=True,
        now=now,
    )
    return int(recorded.event.points) if recorded.is_new else 0
