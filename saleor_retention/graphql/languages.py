"""In which language a request is answered: the first one that it accepts and the shop knows.

Saleor activates no language by itself and translates what merchants write by arguments of single
fields. What the plugin says comes from its own catalogs, so the header that every browser sends
decides (``Accept-Language``): it needs no argument on any field, and refusals follow it too.

The language is active only while a text of ours is made: what Saleor says in the same request
stays as it is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

from django.utils.translation import get_supported_language_variant, override
from django.utils.translation.trans_real import parse_accept_lang_header

TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")

_language: ContextVar[str | None] = ContextVar("retention_language", default=None)


def follow(info: Any) -> None:
    """Take the language of the request, until another request is followed.

    Every field and mutation of ours begins with it, so that what is said later in the request,
    when a batch has been read, has the same language.
    """
    _language.set(language_of(getattr(info.context, "META", {}).get("HTTP_ACCEPT_LANGUAGE", "")))


def reading() -> AbstractContextManager[Any]:
    """Speak the followed request's language within; where it named none, the active one."""
    language = _language.get()
    return nullcontext() if language is None else override(language)


def language_of(header: str) -> str | None:
    """Return the first language of the header that is known, as Django names it; else None.

    Chinese of any region is the Traditional or the Simplified one, which Django's own choice does
    not know of every region.
    """
    for code, _quality in parse_accept_lang_header(header):
        if code == "*":
            return None
        if code.startswith(TRADITIONAL):
            return "zh-hant"
        if code == "zh" or code.startswith("zh-"):
            return "zh-hans"
        try:
            return str(get_supported_language_variant(code))
        except LookupError:
            continue
    return None
