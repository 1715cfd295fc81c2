"""Says why a code or an order is refused where the mutation is Saleor's own.

No resolver of ours runs there, so the request's languages are not known; the checkout knows the
shopper's. On Saleor 2.10 it keeps none, and the active language is the shop's, unless the shop
activates the request's (Django's ``LocaleMiddleware``).
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import translation

from saleor_retention.engine.phrases import Phrase, render
from saleor_retention.graphql.languages import language_of


def refused(message: Phrase | str, checkout: Any) -> ValidationError:
    """Return the error of a mutation on this checkout, in the checkout's language."""
    return ValidationError(said(message, checkout), code="invalid")


def said(message: Phrase | str, checkout: Any) -> str:
    """Return a refusal's sentence in the checkout's language; text without a phrase as it is."""
    if isinstance(message, str):
        return message
    language = language_of(getattr(checkout, "language_code", ""))
    with nullcontext() if language is None else translation.override(language):
        return render(message, translation.gettext, translation.ngettext)
