"""Whom a point of sale means: by number, phone or e-mail, at a bounded pace.

Who may record sales may use the members he is told of, and not find out who is one. So a look-up
that finds nobody says the same whatever the reason is, and look-ups are counted, found or not:
trying out numbers and addresses ends before it tells anything.
"""

from __future__ import annotations

import datetime as dt
import re

from django.db import connection

from saleor_retention import conf, host, sql
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account, AccountState, Program
from saleor_retention.services.membership import members
from saleor_retention.services.ordering.pos_checks import MemberKey

HOUR = dt.timedelta(hours=1)
NOBODY = "No member can be told by this number, phone number or e-mail address."

PHONE_NOISE = re.compile(r"[\s().\-/]")
E164 = re.compile(r"\+[0-9]{6,15}")


def count_lookup(actor_ref: str, at: dt.datetime) -> None:
    """Count a look-up against the actor's pace; refuse TOO_MANY_REQUESTS where none is left.

    ``RETENTION_MEMBER_LOOKUPS_PER_HOUR`` may be used up at once and come back evenly within an
    hour. Called before the transaction that looks the member up, which is undone where nobody is
    found: what was tried stays counted. The actor's row is locked by one statement, before
    anything else. Commands and the plugin's own work have no actor and no such limit.
    """
    most = int(conf.get("MEMBER_LOOKUPS_PER_HOUR"))
    if not most or not actor_ref:
        return
    parameters = {"actor_ref": actor_ref, "at": at, "step": HOUR // most, "span": HOUR}
    with connection.cursor() as cursor:
        cursor.execute(sql.load("count_lookup"), parameters)
        if cursor.fetchone() is None:
            message = f"Members were looked up {most} times within an hour; try again later."
            raise Refusal(Code.TOO_MANY_REQUESTS, message, "member")


def member_by(program: Program, key: MemberKey, at: dt.datetime) -> Account:
    """Return the present member that the till names.

    Where every customer is a member, a customer without an account gets one. Refusals: INVALID (a
    phone number that is none), NOT_FOUND for everything else: nobody, more than one, or somebody
    who left.
    """
    if key.number.strip():
        numbered = Account.objects.filter(program=program, member_number=key.number.strip())
        found = list(numbered)
    elif key.phone.strip():
        users = host.current().find_users_by_phone(_plain_phone(key.phone))
        found = _members_of(program, users, at)
    else:
        user = host.current().find_user_by_email(key.email.strip())
        found = _members_of(program, [user] if user is not None else [], at)
    if len(found) != 1 or found[0].state != AccountState.MEMBER:
        raise Refusal(Code.NOT_FOUND, NOBODY, "member")
    return found[0]


def _plain_phone(phone: str) -> str:
    plain = PHONE_NOISE.sub("", phone.strip())
    if not E164.fullmatch(plain):
        message = "member.phone must begin with + and the country, as +12025550123."
        raise Refusal(Code.INVALID, message, "member.phone")
    return plain


def _members_of(program: Program, user_refs: list[str], at: dt.datetime) -> list[Account]:
    found = [members.member_of(program, user, now=at) for user in dict.fromkeys(user_refs)]
    return [account for account in found if account is not None]
