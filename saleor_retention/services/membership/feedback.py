"""Questionnaires without an order: answered by a member for himself, once in a period.

An answer brings no points: what is said of the program itself shall not be bought.
"""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from saleor_retention.engine.feedback import Feedback, period_of
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import AccountState, Program, SurveyAnswer
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.membership.members import member_of
from saleor_retention.services.membership.surveys import Answered, Given, checked, is_same


def give_feedback(
    *, program: Program, user_ref: str, slug: str, given: Given, now: dt.datetime | None = None
) -> Answered:
    """Store what a customer answers to a questionnaire of a program in this period.

    Sent again it changes nothing; other answers are refused (UNIQUE) until the next period. Locks
    the account. Refusals: NOT_FOUND (no such questionnaire), NOT_A_MEMBER; REQUIRED and INVALID by
    answer, all of them at once.
    """
    moment = now or timezone.now()
    rules = rules_of(program.current_version_id)
    asked = rules.questionnaire(slug)
    if asked is None:
        raise Refusal(Code.NOT_FOUND, phrase(_("There is no such questionnaire.")), "survey")
    period = period_of(asked.per, local_date(moment, rules.time_zone))
    return run_serialized(lambda: _stored(program, user_ref, asked, period, given, moment))


def _stored(
    program: Program, user_ref: str, asked: Feedback, period: str, given: Given, now: dt.datetime
) -> Answered:
    account = member_of(program, user_ref, now=now)
    locked = None if account is None else lock_account(account.pk)
    if locked is None or locked.state != AccountState.MEMBER:
        message = phrase(_('You are not a member of "%(program)s".'), program=program.name)
        raise Refusal(Code.NOT_A_MEMBER, message)
    existing = SurveyAnswer.objects.filter(
        account=locked, order_ref=None, survey=asked.slug, period=period
    ).first()
    if existing is None:
        row = SurveyAnswer.objects.create(
            account=locked,
            program=program,
            order_ref=None,
            survey=asked.slug,
            period=period,
            version_id=program.current_version_id,
            answers=checked(given, asked.survey),
            answered_at=now,
        )
        return Answered(row, is_new=True)
    if not is_same(existing, given, asked.survey):
        raise Refusal(Code.UNIQUE, phrase(_("You have answered this already.")), "survey")
    return Answered(existing, is_new=False)
