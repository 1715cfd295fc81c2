"""In which language a request is answered: the first one that it accepts and the shop knows.

Saleor activates no language by itself and translates what merchants write by arguments of single
fields. What the plugin says comes from its own catalogs, so the header that every browser sends
decides (``Accept-Language``): it needs no argument on any field, and refusals follow it too.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.utils.translation import get_supported_language_variant, override
from django.utils.translation.trans_real import parse_accept_lang_header

TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")
_KNOWN = "_retention_language"


def reading(info: Any) -> AbstractContextManager[Any]:
    """Answer in the request's language within; without one, in the language that is active."""
    language = language_of(info.context)
    return nullcontext() if language is None else override(language)


def language_of(context: Any) -> str | None:
    """Return the language that a request asks for, as Django names it; None if it names none.

    Chinese of any region is the Traditional or the Simplified one, which Django's own choice does
    not know of every region.
    """
    if not hasattr(context, _KNOWN):
        setattr(context, _KNOWN, _chosen(context.META.get("HTTP_ACCEPT_LANGUAGE", "")))
    known: str | None = getattr(context, _KNOWN)
    return known


def _chosen(header: str) -> str | None:
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
