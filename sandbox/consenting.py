"""What the shop asks of its customers, and how they agree by the link of a mail (double opt-in)."""

from __future__ import annotations

import re
from typing import Any

from sandbox import paths
from sandbox.errands import Shop
from sandbox.mailbox import Letter
from sandbox.telling import Teller

PURPOSE = "marketing"
VERSION = "2026-01"
WORDS = "Send me news and offers by e-mail. I can end this at any time."
QUESTIONS: dict[str, Any] = {
    "motive": "So that we can greet you on your birthday.",
    "consents": [
        {
            "channel": "EMAIL",
            "purpose": PURPOSE,
            "version": VERSION,
            "text": WORDS,
            "doubleOptIn": True,
        }
    ],
}
ANSWER = {"channel": "EMAIL", "purpose": PURPOSE, "textVersion": VERSION}


def ready(name: str) -> str:
    """Return one of the operations that the project keeps ready for storefronts and staff."""
    return (paths.ROOT / "graphql" / f"{name}.graphql").read_text()


def ask_and_agree(teller: Teller, shop: Shop, email: str) -> None:
    """Let the signed-in customer read the question, agree, and follow the link of the mail."""
    document = ready("storefront/registration-questions")
    asked = teller.ask(shop.anyone, document)["retentionProgram"]["questions"]
    teller.read(asked["motive"])
    teller.see("what is asked", [each["text"] for each in asked["consents"]], [WORDS])
    given = teller.do(shop.ada, ready("storefront/consent-give"), input=ANSWER)["consent"]
    teller.see("consent", given["state"], "REQUESTED")
    letters = shop.premises.mailbox.take()
    teller.see("mails", [letter.header("To") for letter in letters], [email])
    for letter in letters:
        teller.show(letter)
        confirmed = confirm(teller, shop, letter)
        teller.see("consent", confirmed["state"], "GIVEN")
        teller.see("by", confirmed["source"], "CONFIRMATION")


def confirm(teller: Teller, shop: Shop, letter: Letter) -> dict[str, Any]:
    """Do what the storefront's page does when the link of a mail is followed, without a login."""
    found = re.search(r"/confirm\?token=(\S+)", letter.text)
    token = found.group(1) if found else ""
    done = teller.do(shop.anyone, ready("storefront/consent-confirm"), token=token)
    consent: dict[str, Any] = done["consent"]
    return consent
