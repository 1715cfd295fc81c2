"""Codes of coupons: characters that nobody takes for others, and enough of them.

Twelve characters of 26 are 56 bits. With a hundred thousand live codes, somebody who tries a
thousand a second for a year finds one with a chance of one in thirty thousand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

ALPHABET = "34679ABCDEFGHJKMNPRSTVWXYZ"
"""No two look alike: without 0 and O and Q, 1 and I and L, 2 (Z), 5 (S), 8 (B), U (V)."""

LENGTH = 12
PREFIX_LENGTH_MAX = 12

_PREFIX = re.compile(r"[A-Z0-9]{1,12}(-[A-Z0-9]{1,12})*-?")
_NOISE = re.compile(r"\s")


def new_code(prefix: str, choose: Callable[[Sequence[str]], str]) -> str:
    """Return a code of ``LENGTH`` characters that ``choose`` picks, after a prefix.

    >>> new_code("MAY-", lambda characters: characters[0])
    'MAY-333333333333'
    """
    return prefix + "".join(choose(ALPHABET) for _ in range(LENGTH))


def is_prefix(text: str) -> bool:
    """Tell whether codes may begin so: capital letters, digits and single hyphens, or nothing.

    >>> [is_prefix(text) for text in ("", "MAY-", "MAY26", "may", "-A", "=A", "ABCDEFGHIJKLM")]
    [True, True, True, False, False, False, False]
    """
    return not text or (len(text) <= PREFIX_LENGTH_MAX and _PREFIX.fullmatch(text) is not None)


def as_issued(typed: str) -> str:
    """Return what somebody typed as it would have been issued: no spaces, capital letters.

    >>> as_issued(" may-3467 9abc defg ")
    'MAY-34679ABCDEFG'
    """
    return _NOISE.sub("", typed).upper()
