"""The chapter of the story about customers who come back: greeted, reminded, won back, measured.

Campaigns are set up at a terminal, as a shop's staff would. Nobody waits for a birthday: the jobs
are told the instant at which they act (``sandbox.backroom``), and everything else is as it is.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sandbox import backroom, consenting, errands, leaving_out, looking_back, mailings, reckoning
from sandbox.consenting import ready
from sandbox.errands import ADA, Shop
from sandbox.mailbox import Letter
from sandbox.mailings import BIRTHDAY_DAYS_BEFORE, BIRTHDAY_OFF, COMEBACK_OFF, REMINDER_DAYS_BEFORE
from sandbox.telling import Teller

BEN = "ben@example.com"
BIRTHDAY_IN_DAYS = 45  # more than the 30 within which a birthday counts from the next year on
TIMEOUT_SECONDS = 30


def agreeing(teller: Teller, shop: Shop) -> None:
    """Ada gives her consent by double opt-in, and tells her birthday."""
    teller.scene("Ada agrees to mails, which counts once she follows a link, and says her birthday")
    consenting.ask_and_agree(teller, shop, ADA)
    day = _birthday()
    told = teller.do(
        shop.ada,
        ready("storefront/profile-update"),
        input={"birthday": {"month": day.month, "day": day.day}},
    )
    kept = told["member"]["profile"]["birthday"]
    told_day = {"month": kept["month"], "day": kept["day"]}
    teller.see("birthday", told_day, {"month": day.month, "day": day.day})
    teller.see("the next one that counts", kept["next"], day.isoformat())


def buying_is_no_consent(teller: Teller, shop: Shop) -> None:
    """Ben buys, and is not thereby somebody to write to."""
    teller.scene("Ben buys a Decaf and agrees to nothing")
    password = secrets.token_urlsafe(12)
    errands.sign_up(shop, BEN, password)
    bens = replace(shop, shopper=BEN, orders=[])
    bens.ada_enters(errands.sign_in(shop, BEN, password))
    price = reckoning.PRICES["Decaf"] + reckoning.SHIPPING
    order = errands.pay(bens, errands.fill_cart(bens, {"Decaf": 1})["id"], price)
    teller.see("order total", order["total"]["gross"]["amount"], price)
    teller.see("shipped", errands.ship(bens, order), "FULFILLED")
    profile = teller.ask(bens.ada, ready("storefront/profile"))["me"]["retention"]
    teller.see("consents", profile["consents"], [])


def greeting(teller: Teller, shop: Shop) -> None:
    """Show that the birthday's coupon comes before the day, once."""
    teller.scene("A week before her birthday Ada is mailed a coupon")
    mailings.launch(teller, "birthday", mailings.BIRTHDAY)
    day = _birthday()
    at = mailings.noon(day - dt.timedelta(days=BIRTHDAY_DAYS_BEFORE))
    for letter in mailings.on_a_day(teller, shop, "birthday", at, expected=[ADA]):
        coupon = _newest_coupon(teller, shop)
        _see_coupon(teller, letter, coupon, BIRTHDAY_OFF)
        ends = at.date() + dt.timedelta(days=mailings.BIRTHDAY_VALID_DAYS)
        teller.see("good through", _last_day(coupon["validUntil"]), ends)
    mailings.on_a_day(teller, shop, "birthday", mailings.noon(day), expected=[])
    teller.see("what became of it in all", backroom.fates("birthday"), {ADA: "sent"})


def reminding(teller: Teller, shop: Shop) -> None:
    """Points that end with the next year are told of a month before."""
    teller.scene("A month before her points end Ada is told how many, and when")
    mailings.launch(teller, "points-ending", mailings.REMINDER)
    last = dt.date(_ordered_on(teller, shop).year + 1, 12, 31)
    at = mailings.noon(last - dt.timedelta(days=REMINDER_DAYS_BEFORE))
    for letter in mailings.on_a_day(teller, shop, "points-ending", at, expected=[ADA]):
        said = f"{reckoning.balance_in_the_end()} points end with {last}."
        teller.see("the mail says", letter.text.splitlines()[0], said)
    fates = {ADA: "sent", BEN: "consent"}
    teller.see("what became of it in all", backroom.fates("points-ending"), fates)


def winning_back(teller: Teller, shop: Shop) -> None:
    """Show both lost a year after their last orders, of whom one may be written to."""
    teller.scene("A year without an order: Ada is won back, Ben may not be written to")
    mailings.launch(teller, "come-back", mailings.COME_BACK)
    lost_on = reckoning.lost_on(_ordered_on(teller, shop))
    before = mailings.noon(lost_on - dt.timedelta(days=1))
    mailings.on_a_day(teller, shop, "come-back", before, expected=[])
    at = mailings.noon(lost_on)
    letters = mailings.on_a_day(teller, shop, "come-back", at, expected=[ADA])
    fates = {ADA: "sent", BEN: "consent"}
    teller.see("what became of it in all", backroom.fates("come-back"), fates)
    for letter in letters:
        _see_coupon(teller, letter, _newest_coupon(teller, shop), COMEBACK_OFF)
        _had_enough(teller, shop, letter)


def _had_enough(teller: Teller, shop: Shop, letter: Letter) -> None:
    """One click ends the mails, without a login."""
    teller.scene("Ada has had enough, and her mail program unsubscribes her with one click")
    teller.note(f"POST {mailings.short(letter.unsubscribe_url)}")
    teller.see("answered with", _click(letter), 200)
    profile = teller.ask(shop.ada, ready("storefront/profile"))["me"]["retention"]
    (consent,) = profile["consents"]
    teller.see("consent", consent["state"], "WITHDRAWN")
    teller.see("by", consent["source"], "UNSUBSCRIBE")


def _birthday() -> dt.date:
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=BIRTHDAY_IN_DAYS)


def _ordered_on(teller: Teller, shop: Shop) -> dt.date:
    """Return the day of Ada's last order, as Saleor has it."""
    document = "{ me { orders(first: 1) { edges { node { created } } } } }"
    (edge,) = teller.ask(shop.ada, document)["me"]["orders"]["edges"]
    return dt.datetime.fromisoformat(edge["node"]["created"]).astimezone(dt.UTC).date()


def _newest_coupon(teller: Teller, shop: Shop) -> dict[str, Any]:
    answer = teller.ask(shop.ada, ready("storefront/coupons"), first=1)
    (edge,) = answer["me"]["retention"]["coupons"]["edges"]
    coupon: dict[str, Any] = edge["node"]
    return coupon


def _see_coupon(teller: Teller, letter: Letter, coupon: dict[str, Any], percent: int) -> None:
    """Check that a mail's code is the customer's own coupon, and what it gives."""
    found = re.search(r"code (\w+)", letter.text)
    code = "" if found is None else found.group(1)
    teller.see("the coupon on her page", coupon["code"], code)
    teller.see("whose it is", coupon["kind"], "PERSONAL")
    teller.see("per cent off", int(Decimal(coupon["terms"]["percent"])), percent)


def _last_day(valid_until: str) -> dt.date:
    """Return the last whole day before an instant."""
    return (dt.datetime.fromisoformat(valid_until) - dt.timedelta(microseconds=1)).date()


def _click(letter: Letter) -> int:
    """Post what a mail program posts, RFC 8058; return the status of the answer."""
    body = letter.header("List-Unsubscribe-Post").encode()
    request = urllib.request.Request(letter.unsubscribe_url, data=body, method="POST")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        status: int = answer.status
    return status


SCENES: tuple[Callable[[Teller, Shop], None], ...] = (
    agreeing,
    buying_is_no_consent,
    greeting,
    reminding,
    winning_back,
    leaving_out.leaving_out,
    looking_back.looking_back,
)
