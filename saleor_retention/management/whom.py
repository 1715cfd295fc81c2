"""How a command is told whom it is about."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from saleor_retention.errors import Code, Refusal
from saleor_retention.selectors import persons
from saleor_retention.selectors.persons import Person

KEY_DIGITS = 19
"""Any number with fewer digits fits into a 64-bit key."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take exactly one of a user, an address and a member number."""
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", help="primary key of the shop's user")
    who.add_argument("--email", help="address of a customer or a guest")
    who.add_argument("--member", help="member number")


def found(options: Mapping[str, Any]) -> Person:
    """Return whom the options name; refuses INVALID and NOT_FOUND."""
    if options["email"] is not None:
        return persons.of_email(options["email"])
    if options["member"] is not None:
        return persons.of_number(options["member"])
    user: str = options["user"]
    if not (user.isascii() and user.isdecimal() and len(user) < KEY_DIGITS):
        raise Refusal(Code.INVALID, f'"{user}" is no key of a user.', "user")
    return persons.of_user(user)
