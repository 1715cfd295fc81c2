"""Copy what customers told of themselves to the shop's own customer attributes (Saleor 3.23).

A choice of the program: the profile stays where facts are written, with their log. What stands in
an attribute is what was told last, for the dashboard and for apps that know nothing of us.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from saleor_retention import host
from saleor_retention.engine.questions import CUSTOM, AttributeCopy, FieldType, Questions
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account
from saleor_retention.models import Profile as ProfileRow
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.ledger.locking import lock_name
from saleor_retention.services.membership.profiles import Profile, profile_of

DATE, TEXT, NUMBER, YES_NO = "date", "plain-text", "numeric", "boolean"
ONE, SEVERAL = "dropdown", "multiselect"

TYPES_OF: dict[str, tuple[str, ...]] = {
    "birthday": (DATE, TEXT),
    "gender": (ONE, TEXT),
    "interests": (SEVERAL, TEXT),
    "time_zone": (ONE, TEXT),
    "language": (ONE, TEXT),
    FieldType.TEXT: (TEXT,),
    FieldType.NUMBER: (NUMBER, TEXT),
    FieldType.YES_NO: (YES_NO,),
    FieldType.DATE: (DATE, TEXT),
    FieldType.CHOICE: (ONE, TEXT),
    FieldType.CHOICES: (SEVERAL, TEXT),
}
"""The input types of attributes that can hold a fact, or an answer of a type."""


def refusals_of(questions: Questions) -> list[Refusal]:
    """Return what keeps the shop's attributes from holding the facts that they should."""
    if not questions.attributes:
        return []
    path, shop = "questions.attributes", host.current()
    if (reason := shop.refusal_of("customer_attributes")) is not None:
        return [Refusal(Code.NOT_SUPPORTED, reason, path)]
    types = shop.customer_attributes([copy.attribute for copy in questions.attributes])
    found = []
    for index, copy in enumerate(questions.attributes):
        field, can_hold = f"{path}.{index}.attribute", TYPES_OF[_kind_of(copy.fact, questions)]
        if copy.attribute not in types:
            message = f'The shop has no customer attribute "{copy.attribute}".'
            found.append(Refusal(Code.NOT_FOUND, message, field))
        elif types[copy.attribute] not in can_hold:
            message = (
                f"{copy.fact} goes into an attribute of the type {' or '.join(can_hold)}; "
                f'"{copy.attribute}" is {types[copy.attribute]}.'
            )
            found.append(Refusal(Code.INVALID, message, field))
    return found


def copy_profile(account_id: int) -> bool:
    """Have a customer's attributes hold what is known now; False where there is nobody to hold.

    Two at once wait for each other, so that what was told last stays.
    """
    with transaction.atomic():
        lock_name(f"attributes:{account_id}")
        account = Account.objects.select_related("program").get(pk=account_id)
        questions = rules_of(account.program.current_version_id).questions
        if account.user_id is None or not questions.attributes:
            return False
        _write(str(account.user_id), questions, profile_of(account))
    return True


def copy_profiles(program_id: int, limit: int, *, after_id: int) -> int | None:
    """Do so for up to ``limit`` customers of a program; return the last one's id, None at the end.

    For a program that has begun to name attributes.
    """
    rows = ProfileRow.objects.filter(account__program=program_id, pk__gt=after_id)
    found = list(rows.order_by("pk").values_list("pk", flat=True)[:limit])
    for account_id in found:
        copy_profile(account_id)
    return found[-1] if len(found) == limit else None


def clear(user_ref: str, slugs: Sequence[str]) -> None:
    """Have a customer's attributes hold nothing any more."""
    host.current().set_customer_attributes(user_ref, dict.fromkeys(slugs))


def _write(user_ref: str, questions: Questions, profile: Profile) -> None:
    shop = host.current()
    types = shop.customer_attributes([copy.attribute for copy in questions.attributes])
    values = {
        copy.attribute: _value(copy, types[copy.attribute], profile)
        for copy in questions.attributes
        if types.get(copy.attribute) in TYPES_OF[_kind_of(copy.fact, questions)]
    }
    if values:
        shop.set_customer_attributes(user_ref, values)


def _kind_of(fact: str, questions: Questions) -> str:
    field = questions.field(fact.removeprefix(CUSTOM)) if fact.startswith(CUSTOM) else None
    return fact if field is None else field.type


def _value(copy: AttributeCopy, attribute_type: str, profile: Profile) -> Any:
    """Return the fact as the attribute holds it; None where it is not known."""
    if copy.fact == "birthday":
        return _birthday(profile, attribute_type)
    if copy.fact.startswith(CUSTOM):
        known = profile.custom.get(copy.fact.removeprefix(CUSTOM))
    else:
        known = getattr(profile, copy.fact) or None
    if known is None or attribute_type == YES_NO:
        return known
    if attribute_type == DATE:
        return dt.date.fromisoformat(known)
    if attribute_type == TEXT:
        return ", ".join(known) if isinstance(known, list | tuple) else str(known)
    return list(known) if attribute_type == SEVERAL else known


def _birthday(profile: Profile, attribute_type: str) -> dt.date | str | None:
    """Return a day, of a year if it is known; a text can do without (ISO 8601: --05-04)."""
    month, day, year = profile.birth_month, profile.birth_day, profile.birth_year
    if month is None or day is None:
        return None
    if attribute_type == DATE:
        return None if year is None else dt.date(year, month, day)
    return f"--{month:02}-{day:02}" if year is None else f"{year:04}-{month:02}-{day:02}"
