"""Whether a voucher code makes a checkout cheaper, or costs more than it takes off.

A voucher displaces promotions of the shop, and both change what the plugin takes off, so that only
the whole total tells.
"""

from __future__ import annotations

from enum import StrEnum

import graphene

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.graphql.enums import described
from saleor_retention.graphql.host_types import Money, money


class CodeVerdict(StrEnum):
    """What a code does to a total."""

    CHEAPER = "cheaper"
    DEARER = "dearer"
    SAME = "same"
    UNUSABLE = "unusable"


RetentionCodeVerdict = described(
    "RetentionCodeVerdict",
    CodeVerdict,
    "What a voucher code does to a checkout's total.",
    {
        CodeVerdict.CHEAPER: "The checkout costs less with the code.",
        CodeVerdict.DEARER: "The checkout costs less without the code.",
        CodeVerdict.SAME: "The checkout costs the same with and without the code.",
        CodeVerdict.UNUSABLE: "There is no such voucher, or it is not for this checkout.",
    },
)


class RetentionCodeComparison(graphene.ObjectType):
    """A checkout's total with tax, before gift cards: with a voucher code and without any."""

    verdict = graphene.Field(
        RetentionCodeVerdict, description="Which of the two is better.", required=True
    )
    with_code = graphene.Field(
        Money, description="With the code, and no other; null where it cannot be used."
    )
    without_code = graphene.Field(Money, description="Without any code.", required=True)
    saving = graphene.Field(
        Money, description="How much less is paid by the better one.", required=True
    )


def code_comparison(checkout_ref: str, currency: str, code: str) -> RetentionCodeComparison:
    """Return what a code would do to a checkout; refuse NOT_FOUND for one that is gone."""
    totals = host.current().code_totals(checkout_ref, code)
    if totals is None:
        raise Refusal(Code.NOT_FOUND, phrase(_("There is no such checkout.")))
    without, total = totals.without_minor, totals.with_minor
    if total is None:
        verdict = CodeVerdict.UNUSABLE
    elif total == without:
        verdict = CodeVerdict.SAME
    else:
        verdict = CodeVerdict.CHEAPER if total < without else CodeVerdict.DEARER
    return RetentionCodeComparison(
        verdict=verdict.value,
        with_code=None if total is None else money(total, currency),
        without_code=money(without, currency),
        saving=money(0 if total is None else abs(total - without), currency),
    )
