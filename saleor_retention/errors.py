"""Refusals that a caller can act on: a field, a stable code, a sentence.

Services raise them; GraphQL turns them into ``errors { field message code }``, commands print them.
The sentence of a refusal that a shopper may meet is a phrase, so that it can be said in the
shopper's language.
Anything else that is raised is a fault, logged and never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from saleor_retention.engine.phrases import Phrase, render


class Code(StrEnum):
    """Stable names of refusals; the GraphQL enum is made from them."""

    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    UNIQUE = "UNIQUE"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    LOGIN_REQUIRED = "LOGIN_REQUIRED"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    ALREADY_A_MEMBER = "ALREADY_A_MEMBER"
    PROGRAM_INACTIVE = "PROGRAM_INACTIVE"
    REDEMPTION_DISABLED = "REDEMPTION_DISABLED"
    CURRENCY_WITHOUT_RATE = "CURRENCY_WITHOUT_RATE"
    NOT_ENOUGH_POINTS = "NOT_ENOUGH_POINTS"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    IN_DEFICIT = "IN_DEFICIT"
    NOTHING_TO_REDEEM_ON = "NOTHING_TO_REDEEM_ON"
    LIMIT_REACHED = "LIMIT_REACHED"
    KEY_REUSED = "KEY_REUSED"
    CHECKOUT_PAID = "CHECKOUT_PAID"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    BUSY = "BUSY"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"


class Refusal(Exception):
    """One refused request; nothing was changed."""

    def __init__(self, code: Code, message: str | Phrase, field: str | None = None) -> None:
        """Keep the code, the whole sentence, and the input field at fault."""
        self.phrase = message if isinstance(message, Phrase) else None
        self.message = render(message) if isinstance(message, Phrase) else message
        super().__init__(self.message)
        self.code = code
        self.field = field

    @property
    def refusals(self) -> list[Refusal]:
        """Return it alone, to be told as several are."""
        return [self]


class Refusals(Exception):
    """Several refusals of one request, for instance every problem of a rules document."""

    def __init__(self, refusals: list[Refusal]) -> None:
        """Keep them in the order found."""
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals = refusals


@contextmanager
def renaming(rename: Callable[[Refusal], Refusal]) -> Iterator[None]:
    """Let out what is refused within under other names, such as those of the caller's input."""
    try:
        yield
    except Refusal as refusal:
        raise rename(refusal) from None
    except Refusals as refusals:
        raise Refusals([rename(refusal) for refusal in refusals.refusals]) from None
