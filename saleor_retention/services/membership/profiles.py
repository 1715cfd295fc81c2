"""What customers tell of themselves, bit by bit: each fact goes to the log and to the profile.

Only what differs from what is known is written, so that the log tells when a fact became true.
Month and day of a birthday carry since when they are as they are (``engine.birthdays``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from saleor_retention import host
from saleor_retention.engine import birthdays
from saleor_retention.engine.periods import local_date
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.engine.profiles import read_changes
from saleor_retention.engine.questions import CUSTOM
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    ProfileEntry,
    ProfileSource,
)
from saleor_retention.models import Profile as ProfileRow
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_account, run_serialized
from saleor_retention.services.setting_up.auditing import note_down

OF_PEOPLE = (AccountState.MEMBER, AccountState.LEFT)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a customer; nothing of it has to be."""

    birth_month: int | None = None
    birth_day: int | None = None
    birth_year: int | None = None
    birthday_since: dt.date | None = None  # local day since when month and day are as they are
    gender: str = ""
    interests: tuple[str, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    time_zone: str = ""
    language: str = ""

    def birthday_counts_in(self, year: int) -> bool:
        """Tell whether the birthday earns its benefit in a year."""
        month, day, since = self.birth_month, self.birth_day, self.birthday_since
        if month is None or day is None or since is None:
            return False
        return birthdays.counts_in(year, month=month, day=day, known_since=since)


NOTHING_KNOWN = Profile()


def profile_of(account: Account | int) -> Profile:
    """Return what is known of an account's customer."""
    account_id = account if isinstance(account, int) else account.pk
    row = ProfileRow.objects.filter(pk=account_id).first()
    return NOTHING_KNOWN if row is None else profile_in(row)


def profile_in(row: ProfileRow) -> Profile:
    """Return a stored row as frozen data."""
    return Profile(
        birth_month=row.birth_month,
        birth_day=row.birth_day,
        birth_year=row.birth_year,
        birthday_since=row.birthday_since,
        gender=row.gender,
        interests=tuple(row.interests),
        custom=dict(row.custom),
        time_zone=row.time_zone,
        language=row.language,
    )


def update(
    account: Account,
    changes: Mapping[str, Any],
    *,
    source: ProfileSource = ProfileSource.STOREFRONT,
    actor_ref: str = "",
    now: dt.datetime | None = None,
) -> Profile:
    """Write down facts in the shape of ``engine.profiles.read_changes``; return the profile.

    Facts that are not named stay, null clears one, and what is known already is not written again.
    Locks the account. Refusals: NOT_A_MEMBER; INVALID and REQUIRED by field, all of them at once.
    """
    at = now or timezone.now()

    def work() -> Profile:
        locked = lock_account(account.pk)
        _require_somebody(locked)
        rules = _rules_of(locked)
        today = local_date(at, rules.time_zone)
        facts, problems = read_changes(changes, rules.questions, today)
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
        row = ProfileRow.objects.filter(pk=locked.pk).first()
        row = row or ProfileRow(account=locked, interests=[], custom={})
        changed = _apply(row, facts, source, actor_ref, today, at)
        if changed and actor_ref:
            lines = [f"{name} is other" for name in changed]
            action = AuditAction.PROFILE_UPDATE
            note_down(action, actor_ref=actor_ref, at=at, account=locked, changes=lines)
        if changed and rules.questions.attributes:
            host.current().dispatch("copy_profile", locked.pk)
        return profile_in(row)

    return run_serialized(work)


def _apply(
    row: ProfileRow,
    facts: Mapping[str, Any],
    source: ProfileSource,
    actor_ref: str,
    today: dt.date,
    at: dt.datetime,
) -> list[str]:
    """Write down what is other than before; return the names of these facts."""
    told = {name: None if value == [] else value for name, value in facts.items()}
    changed = {name: value for name, value in told.items() if _value_of(row, name) != value}
    if not changed:
        return []
    ProfileEntry.objects.bulk_create(
        ProfileEntry(
            account_id=row.account_id,
            fact=name,
            value=value,
            source=source,
            actor_ref=actor_ref,
            at=at,
        )
        for name, value in changed.items()
    )
    for name, value in changed.items():
        _set(row, name, value, today)
    row.updated_at = at
    row.save()
    return list(changed)


def _value_of(row: ProfileRow, name: str) -> Any:
    """Return a fact as the log has it; None where it is not known."""
    if name.startswith(CUSTOM):
        return row.custom.get(name[len(CUSTOM) :])
    if name != "birthday":
        return getattr(row, name) or None
    if row.birth_month is None:
        return None
    birthday = {"month": row.birth_month, "day": row.birth_day}
    return birthday | ({} if row.birth_year is None else {"year": row.birth_year})


def _set(row: ProfileRow, name: str, value: Any, today: dt.date) -> None:
    if name == "birthday":
        _set_birthday(row, value or {}, today)
    elif name.startswith(CUSTOM):
        row.custom.pop(name[len(CUSTOM) :], None)
        if value is not None:
            row.custom[name[len(CUSTOM) :]] = value
    elif name == "interests":
        row.interests = value or []
    else:
        setattr(row, name, value or "")


def _set_birthday(row: ProfileRow, birthday: Mapping[str, int], today: dt.date) -> None:
    day = (birthday.get("month"), birthday.get("day"))
    if day != (row.birth_month, row.birth_day):
        row.birthday_since = today if birthday else None
    row.birth_month, row.birth_day = day
    row.birth_year = birthday.get("year")


def _rules_of(account: Account) -> ProgramRules:
    version_id = account.program.current_version_id
    if version_id is None:
        raise ValueError(f"Program {account.program.slug} has no version.")
    return rules_of(version_id)


def _require_somebody(account: Account) -> None:
    if account.state not in OF_PEOPLE or account.user_id is None:
        message = phrase(
            _('This customer is not a member of "%(program)s".'), program=account.program.name
        )
        raise Refusal(Code.NOT_A_MEMBER, message)
