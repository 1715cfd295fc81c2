"""Answers to the form of registration, which come as metadata of the new customer.

A storefront registers a customer with Saleor's own ``accountRegister``, before anybody could log in
and answer. Until the address is confirmed the answers stay where they are: nobody consents for
somebody else. Then they are kept, and the metadata is removed, once and in one database
transaction: a consent that was withdrawn since never comes back.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.utils import timezone

from saleor_retention import conf, host
from saleor_retention.engine.registrations import Agreed, Answers, read_answers
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    ConsentSource,
    ProfileSource,
    Program,
    ProgramChannel,
)
from saleor_retention.services.consenting import consents
from saleor_retention.services.ledger.locking import run_serialized
from saleor_retention.services.membership import members, profiles

logger = logging.getLogger(__name__)

KEY = conf.PLUGIN_ID
"""The key of the metadata."""

LOGGED_LENGTH_MAX = 200


def take(user_ref: str, now: dt.datetime | None = None) -> bool:
    """Keep what a confirmed customer answered when registering; tell whether there was anything.

    Locks the shop's user, then the account. What cannot be kept (a question that is asked no more,
    other words, a fact that is none) is left out; it is open still, and asked for elsewhere. Raises
    ``Refusal(BUSY)`` with nothing changed.
    """
    at = now or timezone.now()

    def work() -> bool:
        user = host.current().users([user_ref]).get(user_ref)
        if user is None or not user.is_confirmed:
            return False
        text = host.current().take_metadata(user_ref, KEY)
        if text is None:
            return False
        answers, problems = read_answers(text)
        for problem in problems:
            _left_out(user_ref, problem.field)
        _keep(user_ref, answers, at)
        return True

    return run_serialized(work)


def take_all(now: dt.datetime | None = None, *, limit: int) -> int:
    """Do so for up to ``limit`` customers whom no event told of; return of how many."""
    taken = 0
    for user_ref in host.current().users_with_metadata(KEY, limit):
        try:
            taken += take(user_ref, now)
        except Refusal:
            logger.warning("Answers of customer %s have to wait.", user_ref, exc_info=True)
    return taken


def _keep(user_ref: str, answers: Answers, at: dt.datetime) -> None:
    program = _program(answers.channel)
    account = None if program is None else _account(program, user_ref, answers, at)
    if account is None:
        _left_out(user_ref, "channel" if program is None else "enrol")
        return
    if answers.profile:
        source = ProfileSource.REGISTRATION
        _try(
            user_ref,
            "profile",
            lambda: profiles.update(account, answers.profile, source=source, now=at),
        )
    for agreed in answers.consents:
        _agree(user_ref, account, agreed, at)


def _agree(user_ref: str, account: Account, agreed: Agreed, at: dt.datetime) -> None:
    _try(
        user_ref,
        f"consents, {agreed.channel.value} {agreed.purpose}",
        lambda: consents.give(
            account,
            channel=agreed.channel.value,
            purpose=agreed.purpose,
            text_version=agreed.text_version,
            source=ConsentSource.REGISTRATION,
            now=at,
        ),
    )


def _account(program: Program, user_ref: str, answers: Answers, at: dt.datetime) -> Account | None:
    account = members.member_of(program, user_ref, now=at)
    if account is None and answers.enrols:
        return members.enrol(program, user_ref, now=at)
    return account


def _program(channel: str) -> Program | None:
    """Return the program of a channel, or the only one; None where that is none or several."""
    places = host.current().channels()
    refs = [place.ref for place in places if not channel or place.slug == channel]
    running = ProgramChannel.objects.select_related("program").filter(
        channel_ref__in=refs, is_active=True, program__is_active=True
    )
    programs = {row.program_id: row.program for row in running}
    return next(iter(programs.values())) if len(programs) == 1 else None


def _try(user_ref: str, what: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Refusals as refusals:
        _left_out(user_ref, ", ".join(refusal.field or what for refusal in refusals.refusals))
    except Refusal as refusal:
        if refusal.code is Code.BUSY:
            raise
        _left_out(user_ref, what)


def _left_out(user_ref: str, what: str) -> None:
    """Say which answers were not kept, never what they were; names may be anybody's words."""
    name = (what or "all of it").encode("unicode_escape").decode()[:LOGGED_LENGTH_MAX]
    logger.warning("Of customer %s's registration was not kept: %s.", user_ref, name)
