"""The page behind the link of a message: nothing more of its kind, in one click, without a login.

RFC 8058: a mail program posts ``List-Unsubscribe=One-Click`` to the link, and it is done. Opening
the link in a browser changes nothing, because programs that look for viruses open links as well; it
shows a page with one button, which posts the same. The answer is the same whether there is such a
customer or not, and however often it is asked.
"""

from __future__ import annotations

import logging
from html import escape

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from saleor_retention import host
from saleor_retention.graphql.languages import language_of
from saleor_retention.services.consenting import consents
from saleor_retention.services.consenting.consent_links import Unsubscription, unsubscription_in

logger = logging.getLogger(__name__)

PATH = "/unsubscribe/"
FIELD = "List-Unsubscribe"
ONE_CLICK = "One-Click"
METHODS = ("GET", "HEAD", "POST")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
PAGE = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p>{form}</main></body>
</html>
"""
FORM = """<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">
<button>{button}</button></form>"""


def served(request: HttpRequest, path: str) -> HttpResponse | None:
    """Return the answer to a request below the plugin's path; None for what is not ours."""
    if not path.startswith(PATH):
        return None
    return unsubscribe(request, path[len(PATH) :].rstrip("/"))


@csrf_exempt
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link does, or do it."""
    language = language_of(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    with translation.override(language or "en"):
        return _answer(request, token)


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    if request.method not in METHODS:
        refused = _page(405, _("This cannot be done"), _("Open the link, or post to it."))
        refused["Allow"] = ", ".join(METHODS)
        return refused
    link = unsubscription_in(token)
    if link is None:
        return _page(404, _("This link is not valid"), _("Use the link of the message as it is."))
    if request.method != "POST":
        return _page(200, _("Unsubscribe"), _("Do you want no more of these messages?"), asks=True)
    if request.POST.get(FIELD) != ONE_CLICK:
        return _page(400, _("This cannot be done"), f"{FIELD}={ONE_CLICK}")
    return _done(link)


def _done(link: Unsubscription) -> HttpResponse:
    try:
        with host.current().writer():
            consents.unsubscribe(link)
    except Exception:
        logger.exception("Somebody could not be unsubscribed.")
        return _page(503, _("This did not work"), _("Please try again in a while."), asks=True)
    return _page(200, _("Unsubscribed"), _("You will get no more of these messages."))


def _page(status: int, title: str, text: str, *, asks: bool = False) -> HttpResponse:
    form = FORM.format(button=escape(_("Unsubscribe"))) if asks else ""
    page = PAGE.format(
        language=escape(translation.get_language() or "en"),
        title=escape(title),
        text=escape(text),
        form=form,
    )
    response = HttpResponse(page, status=status)
    for name, value in HEADERS.items():
        response[name] = value
    return response
