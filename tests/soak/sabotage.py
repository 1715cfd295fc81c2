"""Services that are broken on purpose, to show that the simulation finds it.

Each of them breaks one thing that everything rests on, in the workers alone: what is checked in
the end is checked by whole ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from saleor_retention.services.ledger import locking, posting

UNLOCKED = """(
    SELECT account, program
    FROM saleor_retention_account AS account
    JOIN saleor_retention_program AS program ON program.id = account.program_id
    WHERE account.id = ANY(%s::bigint[]) AND %s <> '' AND %s IS NOT NULL
) AS read"""


def without_lock() -> None:
    """Read accounts without locking them."""
    genuine = locking._lock_statement

    def unlocked() -> tuple[str, list[str], list[str]]:
        statement, *names = genuine()
        bare = statement.replace("saleor_retention_lock(%s::bigint[], %s, %s)", UNLOCKED)
        assert bare != statement
        return bare, *names

    locking._lock_statement = unlocked  # type: ignore[assignment]


def without_key() -> None:
    """Post what staff ask for under a key that nobody can find again."""
    genuine = posting.post

    def post(account: Any, *, kind: str, key: str, **posted: Any) -> Any:
        is_asked_for = kind in ("grant", "adjust")
        return genuine(
            account, kind=kind, key=f"{key}:{uuid4()}" if is_asked_for else key, **posted
        )

    posting.post = post  # type: ignore[assignment]
    posting.find = lambda *_args, **_kwargs: None  # type: ignore[assignment]


SABOTAGES = {"lock": without_lock, "key": without_key}
DURABILITY = "durability"  # is broken in the settings of the server, see ``arena``
NAMES = (*SABOTAGES, DURABILITY)

SIGNS = {
    "lock": r"violates check constraint|verify: |under way: ",
    "key": r"key-.* was acknowledged and had to be booked again",
    DURABILITY: r"was acknowledged",
}
"""What gives each of them away, in a complaint of the simulation."""


def is_found(broken: str, complaints: Iterable[str]) -> bool:
    """Tell whether the simulation has found what was broken, so that it need not go on."""
    return bool(broken) and any(re.search(SIGNS[broken], complaint) for complaint in complaints)
