"""What a customer told and agreed to, as the customer and staff see it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import graphene
from promise import Promise

from saleor_retention.engine import birthdays
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.questions import FieldQuestion, FieldType, Open, still_open
from saleor_retention.graphql import paging
from saleor_retention.graphql.context import moment
from saleor_retention.graphql.dataloaders.pages import ConsentPages
from saleor_retention.graphql.dataloaders.profiles import ConsentsOf, FactsOf, ProfileOf
from saleor_retention.graphql.dataloaders.programs import ProgramById
from saleor_retention.graphql.enums_consents import (
    RetentionConsentChannel,
    RetentionConsentSource,
    RetentionConsentState,
    RetentionGender,
    RetentionProfileSource,
)
from saleor_retention.graphql.errors import discreet
from saleor_retention.graphql.host_types import Date, DateTime
from saleor_retention.graphql.types_program import Terms
from saleor_retention.models import Account, ConsentEntry, ConsentState, ProfileEntry, Program
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.membership.profiles import NOTHING_KNOWN, Profile


class RetentionBirthday(graphene.ObjectType):
    """A birthday; the year need not be known."""

    month = graphene.Int(description="1 to 12.", required=True)
    day = graphene.Int(description="1 to 31.", required=True)
    year = graphene.Int(description="The year of birth; null where it is not known.")
    next = graphene.Field(
        Date,
        description="The next day on which it counts for a benefit: one that was entered or "
        "changed within 30 days before it counts from the next year on.",
        required=True,
    )


class RetentionAnswer(graphene.ObjectType):
    """The answer to a question of the merchant's own; one of its values is there."""

    key = graphene.String(description="The question.", required=True)
    text = graphene.String(description="Of a text.")
    number = graphene.Int(description="Of a number.")
    yes_no = graphene.Boolean(description="Of yes or no.")
    date = graphene.Field(Date, description="Of a day.")
    choices = graphene.List(
        graphene.NonNull(graphene.String), description="Of one or several options."
    )


class RetentionFact(graphene.ObjectType):
    """Where a fact that is known came from, and when; the export has what was known before."""

    name = graphene.String(
        description="birthday, gender, interests, time_zone, language, or custom.<key> of an "
        "answer to a question of the merchant's own.",
        required=True,
    )
    source = graphene.Field(
        RetentionProfileSource, description="Where it came from.", required=True
    )
    at = graphene.Field(DateTime, description="When it was told.", required=True)


class RetentionProfile(graphene.ObjectType):
    """What a customer told of himself."""

    birthday = graphene.Field(RetentionBirthday, description="The birthday.")
    gender = RetentionGender(description="The gender.")
    interests = graphene.List(
        graphene.NonNull(graphene.String), description="The interests.", required=True
    )
    answers = graphene.List(
        graphene.NonNull(RetentionAnswer),
        description="Answers to questions that the program still asks.",
        required=True,
    )
    time_zone = graphene.String(description="The time zone, such as Europe/Paris.")
    language = graphene.String(description="The language, such as en or zh-hant.")
    facts = graphene.List(
        graphene.NonNull(RetentionFact),
        description="Where each fact that is known came from, and when.",
        required=True,
    )

    @staticmethod
    @discreet
    def resolve_facts(root: RetentionProfile, info: Any) -> Any:
        """Promise the source and time of each fact."""
        found = FactsOf.of(info).load(root.account_id)
        return found.then(lambda entries: [_fact(entry) for entry in entries or ()])


class RetentionConsent(graphene.ObjectType):
    """What holds of one consent, and the answer that it follows from."""

    channel = graphene.Field(
        RetentionConsentChannel, description="What it is a consent to.", required=True
    )
    purpose = graphene.String(description="What it is for.", required=True)
    state = graphene.Field(RetentionConsentState, description="What holds.", required=True)
    source = graphene.Field(
        RetentionConsentSource, description="Where the answer came from.", required=True
    )
    at = graphene.Field(DateTime, description="When it was given.", required=True)
    text_version = graphene.String(
        description='The version of the words that were agreed to; "" of a withdrawal.',
        required=True,
    )
    text = graphene.String(description="The words that were agreed to; null of a withdrawal.")


class RetentionConsentConnection(paging.Connection):
    """Answers about consents, a page at a time."""

    class Meta:
        """Of consents."""

        node = RetentionConsent


def resolve_profile(info: Any, account: Account) -> Any:
    """Promise what is known of a member."""
    loaded = [ProfileOf.of(info).load(account.pk), ProgramById.of(info).load(account.program_id)]
    return Promise.all(loaded).then(lambda found: _profile(info, account, *found))


def resolve_consents(info: Any, account: Account) -> Any:
    """Promise what holds of a member's consents."""
    found = ConsentsOf.of(info).load(account.pk)
    return found.then(lambda entries: [consent_type(entry) for entry in entries or ()])


def resolve_consent_log(info: Any, account: Account, arguments: Mapping[str, Any]) -> Any:
    """Promise a page of all that a member ever answered."""
    window = paging.Window.of("consentLog", arguments, paging.row_id)
    found = ConsentEntry.objects.filter(account_id=account.pk)
    return (
        ConsentPages.of(info)
        .load((account.pk, window))
        .then(
            lambda rows: paging.connection_of(
                RetentionConsentConnection,
                rows,
                window,
                lambda row: paging.encoded(row.pk),
                node_of=consent_type,
                count=found.count,
            )
        )
    )


def resolve_open(info: Any, account: Account) -> Any:
    """Promise what is still to be asked of a member."""
    loaders = [ProfileOf.of(info).load(account.pk), ConsentsOf.of(info).load(account.pk)]
    program = ProgramById.of(info).load(account.program_id)
    return Promise.all([*loaders, program]).then(lambda found: _open(*found))


def consent_type(entry: ConsentEntry) -> RetentionConsent:
    """Return an entry of the log as GraphQL gives it out."""
    question = None
    if entry.version_id is not None:
        question = rules_of(entry.version_id).questions.consent(entry.channel, entry.purpose)
    return RetentionConsent(
        channel=entry.channel,
        purpose=entry.purpose,
        state=entry.state,
        source=entry.source,
        at=entry.at,
        text_version=entry.text_version,
        text=None if question is None else question.text,
    )


def _open(profile: Profile | None, entries: list[ConsentEntry] | None, program: Program) -> Open:
    known = profile or NOTHING_KNOWN
    facts = {f"custom.{key}" for key in known.custom}
    facts |= {name for name in ("gender", "interests") if getattr(known, name)}
    facts |= set() if known.birth_month is None else {"birthday"}
    answered = {
        (entry.channel, entry.purpose): (
            None if entry.state == ConsentState.WITHDRAWN else entry.text_version
        )
        for entry in entries or ()
    }
    return still_open(Terms.of(program).rules.questions, frozenset(facts), answered)


def _fact(entry: ProfileEntry) -> RetentionFact:
    return RetentionFact(name=entry.fact, source=entry.source, at=entry.at)


def _profile(
    info: Any, account: Account, profile: Profile | None, program: Program
) -> RetentionProfile:
    known = profile or NOTHING_KNOWN
    rules = Terms.of(program).rules
    shown = RetentionProfile(
        birthday=_birthday(info, known, rules.time_zone),
        gender=known.gender or None,
        interests=list(known.interests),
        answers=[
            answer_type(field, known.custom[field.key])
            for field in rules.questions.fields
            if field.key in known.custom
        ],
        time_zone=known.time_zone or None,
        language=known.language or None,
    )
    shown.account_id = account.pk
    return shown


def _birthday(info: Any, known: Profile, time_zone: str) -> RetentionBirthday | None:
    month, day, since = known.birth_month, known.birth_day, known.birthday_since
    if month is None or day is None or since is None:
        return None
    today = local_date(moment(info), time_zone)
    following = birthdays.next_counting(today, month=month, day=day, known_since=since)
    return RetentionBirthday(month=month, day=day, year=known.birth_year, next=following)


def answer_type(field: FieldQuestion, value: Any) -> RetentionAnswer:
    """Return an answer in the shape of its question now; of another type since: as text."""
    answer = RetentionAnswer(key=field.key)
    match field.type, value:
        case FieldType.NUMBER, int():
            answer.number = value
        case FieldType.YES_NO, bool():
            answer.yes_no = value
        case FieldType.DATE, str():
            answer.date = dt.date.fromisoformat(value)
        case FieldType.CHOICE, str():
            answer.choices = [value]
        case FieldType.CHOICES, list():
            answer.choices = value
        case _:
            answer.text = str(value)
    return answer
