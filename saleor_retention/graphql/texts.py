"""Text that no database can keep, found before anything is looked up with it.

PostgreSQL's text has no NUL character, and half of a surrogate pair (which JSON can spell) is no
character at all. Drivers raise on both, wherever they meet them; here they are refused once, for
every argument of every field of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphene.utils.str_converters import to_camel_case

RULE = "holds a character that cannot be stored (NUL, or half of a surrogate pair)."


def is_storable(text: str) -> bool:
    """Return whether the database can keep the text."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unstorable_in(value: Any, path: str = "") -> str | None:
    """Return the path of the first text below ``value`` that cannot be stored; None if all can.

    >>> unstorable_in({"input": {"lines": [{"ref": "a"}, {"line_ref": "a" + chr(0)}]}})
    'input.lines.1.lineRef'
    """
    if isinstance(value, str):
        return None if is_storable(value) else path
    if isinstance(value, Mapping):
        items = [(to_camel_case(str(key)), below) for key, below in value.items()]
    elif isinstance(value, list | tuple):
        items = [(str(index), below) for index, below in enumerate(value)]
    else:
        return None
    for key, below in items:
        found = unstorable_in(below, f"{path}.{key}" if path else key)
        if found is not None:
            return found
    return None
