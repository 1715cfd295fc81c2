"""What the API says in words: rules, benefits, and why points moved, in the reader's language.

Messages are marked where they are made (``engine.phrases``); ``locale/`` holds their translations.
The request decides the language (``graphql.languages``), else it is whatever is active.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import translation

from saleor_retention.engine.money import money_text
from saleor_retention.engine.phrases import Phrase, Sentence, _, counted, ngettext, phrase, render
from saleor_retention.engine.rules import Metric
from saleor_retention.graphql.languages import reading
from saleor_retention.models import TransactionKind

_OF_ORDER: Mapping[str, str] = {
    TransactionKind.EARN: _("Earned by order %(number)s."),
    TransactionKind.MATURE: _("Points of order %(number)s can be spent now."),
    TransactionKind.CAPTURE: _("Spent on order %(number)s."),
    TransactionKind.CLAWBACK: _("Taken back: goods of order %(number)s were returned or refunded."),
    TransactionKind.REINSTATE: _("Given again: a refund of order %(number)s was undone."),
    TransactionKind.RESTORE: _("Given back: order %(number)s was returned or refunded."),
    TransactionKind.REVOKE: _("Spent again: a refund of order %(number)s was undone."),
    TransactionKind.BONUS: _("A bonus for order %(number)s."),
    TransactionKind.EXPIRE: _("Points of order %(number)s expired."),
}

_PLAIN: Mapping[str, str] = {
    TransactionKind.EARN: _("Earned by a purchase."),
    TransactionKind.BONUS: _("A bonus."),
    TransactionKind.GRANT: _("Granted by the shop."),
    TransactionKind.MATURE: _("Points can be spent now."),
    TransactionKind.HOLD: _("Set aside for a checkout."),
    TransactionKind.RELEASE: _("Set free from a checkout."),
    TransactionKind.LAPSE: _("Set free: the checkout's time limit passed."),
    TransactionKind.CAPTURE: _("Spent on a purchase."),
    TransactionKind.CLAWBACK: _("Taken back: goods were returned or refunded."),
    TransactionKind.REINSTATE: _("Given again: a refund was undone."),
    TransactionKind.RESTORE: _("Given back: a purchase was returned or refunded."),
    TransactionKind.REVOKE: _("Spent again: a refund was undone."),
    TransactionKind.EXPIRE: _("Points expired."),
    TransactionKind.ADJUST: _("Corrected by the shop."),
    TransactionKind.MERGE: _("Brought over from orders placed as a guest."),
    TransactionKind.ERASE: _("Removed with the customer's data."),
}

_OF_RULE: Mapping[tuple[str, str], str] = {
    (TransactionKind.BONUS, "welcome"): _("Welcome points."),
    (TransactionKind.BONUS, "first_order"): _("Points for the first order."),
    (TransactionKind.GRANT, "import"): _("Brought over from your former account."),
    (TransactionKind.BONUS, "event:review"): _("For a review."),
    (TransactionKind.BONUS, "event:favorite"): _("For a favorite."),
    (TransactionKind.BONUS, "event:follow"): _("For following the shop."),
    (TransactionKind.BONUS, "event:survey"): _("For answering a survey."),
    (TransactionKind.BONUS, "referral:advocate"): _("For referring a friend."),
    (TransactionKind.BONUS, "referral:friend"): _("For coming on a friend's advice."),
}

_OF_CAUSE: Mapping[tuple[str, str], str] = {
    (TransactionKind.CLAWBACK, "backfill"): _("Corrected by the shop."),
    (TransactionKind.CLAWBACK, "event"): _("Taken back: what they were given for was undone."),
    (TransactionKind.CLAWBACK, "referral"): _("Taken back: the friend's first order came back."),
}


EVENT = "event:"
"""What the rule keys of events begin with."""


def said(sentence: Sentence | Phrase) -> str:
    """Return a sentence of the engine in the language of the request, else in the active one."""
    with reading():
        return render(sentence, translation.gettext, translation.ngettext)


def capitalized(text: str) -> str:
    """Return a phrase as it stands alone."""
    return text[:1].upper() + text[1:]


def reason(kind: str, rule_key: str, number: str, cause: str = "") -> Phrase:
    """Return why points moved; ``number`` is the order's, "" where there is none.

    The reward of a merchant's own event has the event's name as its cause.
    """
    if (kind, cause) in _OF_CAUSE:
        return phrase(_OF_CAUSE[kind, cause])
    if cause and kind == TransactionKind.BONUS and rule_key.startswith(EVENT):
        return phrase(_("A reward: %(event)s."), event=cause)
    if (kind, rule_key) in _OF_RULE:
        return phrase(_OF_RULE[kind, rule_key])
    if number and kind in _OF_ORDER:
        return phrase(_OF_ORDER[kind], number=number)
    return phrase(_PLAIN[kind])


def missing(metric: Metric, value: int, currency: str, exponent: int, tier: str) -> Phrase:
    """Return what is missing to a tier."""
    if metric is Metric.SPEND:
        amount = money_text(value, currency, exponent)
        return phrase(_("Spend %(amount)s more to reach %(tier)s."), amount=amount, tier=tier)
    if metric is Metric.ORDERS:
        forms = ngettext(
            "%(number)s more order to reach %(tier)s.",
            "%(number)s more orders to reach %(tier)s.",
            value,
        )
    else:
        forms = ngettext(
            "Earn %(number)s more point to reach %(tier)s.",
            "Earn %(number)s more points to reach %(tier)s.",
            value,
        )
    return counted(value, forms, tier=tier)
