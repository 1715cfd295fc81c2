"""Turns the document of an offer into its terms, or into everything that is wrong with it.

The one validator of offers: a YAML file, GraphQL input and a stored version all pass here, in one
shape. Amounts are in major units of their currency. ``dump_offer`` is the inverse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from saleor_retention.engine.fields import Fields
from saleor_retention.engine.offers.coherence import incoherences
from saleor_retention.engine.offers.kinds import Audience, Novelty, Part
from saleor_retention.engine.offers.terms import (
    AddOnTerms,
    Amounts,
    BenefitTerms,
    BundleTerms,
    CutTerms,
    FreeShippingTerms,
    GiftTerms,
    Kind,
    LimitPeriod,
    Limits,
    MemberPriceTerms,
    OfferTerms,
    OpeningTerms,
    PunchCardTerms,
    QuantityStepTerms,
    QuantityTerms,
    SpendStepTerms,
    ThresholdTerms,
)
from saleor_retention.engine.readers import (
    amounts_in,
    percent_in,
    refs_in,
    selection_in,
    weekdays_in,
)
from saleor_retention.engine.rules import RuleProblem

PARTS_MAX = 10
STEPS_MAX = 20
UNITS_MAX = 1000
NAMES_MAX = 100
NAME_LENGTH_MAX = 64
PRIORITY_MAX = 1000
CUTS = ("percent", "amount", "price")


def parse_offer(
    document: Mapping[str, Any],
    exponents: Mapping[str, int],
    time_zone: str,
    *,
    is_stored: bool = False,
) -> tuple[OfferTerms | None, list[RuleProblem]]:
    """Return what the document of an offer means, and every problem found in it.

    ``exponents`` gives the digits of the minor unit of each currency of the shop; other currencies
    are problems. Instants without an offset are in the program's ``time_zone``. The terms are None
    when any problem is more than a warning. A version that ``is_stored`` was coherent when it was
    stored and is only read.
    """
    problems: list[RuleProblem] = []
    top = Fields(document, "", problems, what="the offer")
    terms = _Reader(top, exponents, ZoneInfo(time_zone)).terms()
    top.close()
    if terms is not None and not is_stored:
        problems += incoherences(terms, ZoneInfo(time_zone), problems)
    if any(not problem.is_warning for problem in problems):
        return None, problems
    return terms, problems


class _Reader:
    """Reads one document; each method reads one section."""

    def __init__(self, top: Fields, exponents: Mapping[str, int], zone: ZoneInfo) -> None:
        self.top = top
        self.exponents = exponents
        self.zone = zone

    def terms(self) -> OfferTerms | None:
        """Read the whole document; None where it does not say what kind of offer it is."""
        top = self.top
        top.require("kind", f"one of {', '.join(Kind)}")
        kind = top.choice("kind", Kind.BUNDLE)
        is_kind_known = top.is_clean("kind")
        for other in Kind:
            if top.has(other.value) and other is not kind and is_kind_known:
                rule = f"does not belong to an offer of kind {kind.value}: leave it out."
                top.note(other.value, "OTHER_KIND", rule)
        terms = OfferTerms(
            kind=kind,
            benefit=self._benefit(kind) if is_kind_known else GiftTerms(frozenset()),
            channels=refs_in(top, "channels"),
            starts_at=top.instant("starts_at", self.zone),
            ends_at=top.instant("ends_at", self.zone),
            weekdays=weekdays_in(top),
            audience=self._audience(),
            limits=self._limits(),
            group=top.slug("group", NAME_LENGTH_MAX),
            floor_minor=self._amounts(top, "floor"),
            priority=top.whole("priority", 0, low=-PRIORITY_MAX, high=PRIORITY_MAX),
        )
        return terms if is_kind_known else None

    # --- kinds ---------------------------------------------------------------------------------

    def _benefit(self, kind: Kind) -> BenefitTerms:
        self.top.require(kind.value, "what the offer gives")
        fields = self.top.section(kind.value)
        benefit: BenefitTerms
        match kind:
            case Kind.BUNDLE:
                benefit = self._bundle(fields)
            case Kind.QUANTITY:
                benefit = self._quantity(fields)
            case Kind.ADD_ON:
                benefit = self._add_on(fields)
            case Kind.GIFT:
                benefit = self._gift(fields)
            case Kind.PUNCH_CARD:
                benefit = self._punch_card(fields)
            case Kind.MEMBER_PRICE:
                benefit = MemberPriceTerms(selection_in(fields), self._cut(fields))
            case Kind.THRESHOLD:
                benefit = self._threshold(fields)
            case Kind.FREE_SHIPPING:
                benefit = FreeShippingTerms(self._amounts(fields, "from"), selection_in(fields))
        fields.close()
        return benefit

    def _bundle(self, fields: Fields) -> BundleTerms:
        parts = []
        for part in self._rows(fields, "parts", PARTS_MAX, "what belongs to a set"):
            part.require("quantity", "how many units")
            quantity = part.whole("quantity", 1, low=1, high=UNITS_MAX)
            parts.append(Part(selection_in(part), quantity))
            part.close()
        cut = self._cut(fields, (*CUTS, "cheapest_free"))
        if not fields.has("cheapest_free"):
            return BundleTerms(tuple(parts), cut)
        free_units = fields.whole("cheapest_free", 1, low=1, high=UNITS_MAX)
        return BundleTerms(tuple(parts), None, free_units)

    def _quantity(self, fields: Fields) -> QuantityTerms:
        steps = []
        for step in self._rows(
            fields, "steps", STEPS_MAX, "from how many units on, what comes off"
        ):
            step.require("from", "how many units")
            quantity = step.whole("from", 1, low=1, high=UNITS_MAX)
            steps.append(QuantityStepTerms(quantity, self._cut(step)))
            step.close()
        return QuantityTerms(selection_in(fields), tuple(steps), fields.limit("units_max", low=1))

    def _add_on(self, fields: Fields) -> AddOnTerms:
        fields.require("select", "the goods whose price opens; all goods could never open it")
        fields.require("opens", "what opens the price")
        opening = self._opening(fields)
        if fields.has("units_each") and opening.main is None:
            rule = "has no effect without opens.select: leave it out."
            fields.note("units_each", "NO_EFFECT", rule)
        return AddOnTerms(
            selection=selection_in(fields),
            cut=self._cut(fields),
            opening=opening,
            units_each=fields.whole("units_each", 1, low=1, high=UNITS_MAX),
        )

    def _gift(self, fields: Fields) -> GiftTerms:
        fields.require("variants", "what may be given")
        return GiftTerms(
            choices=refs_in(fields, "variants"),
            opening=self._opening(fields),
            quantity=fields.whole("quantity", 1, low=1, high=UNITS_MAX),
        )

    def _punch_card(self, fields: Fields) -> PunchCardTerms:
        fields.require("buy", "how many units fill a card")
        cuts = [key for key in CUTS if fields.has(key)]
        return PunchCardTerms(
            selection=selection_in(fields),
            stamps=fields.whole("buy", 1, low=1, high=UNITS_MAX),
            cut=self._cut(fields) if cuts else CutTerms(percent=Decimal(100)),
        )

    def _threshold(self, fields: Fields) -> ThresholdTerms:
        steps = []
        for step in self._rows(fields, "steps", STEPS_MAX, "from which sum on, what comes off"):
            step.require("from", "the sum by currency")
            from_minor = self._amounts(step, "from")
            steps.append(SpendStepTerms(from_minor, self._cut(step, ("percent", "amount"))))
            step.close()
        return ThresholdTerms(tuple(steps), selection_in(fields))

    # --- what kinds have in common -------------------------------------------------------------

    def _rows(self, fields: Fields, key: str, count_max: int, hint: str) -> list[Fields]:
        fields.require(key, hint)
        rows = fields.rows(key, count_max)
        if fields.take(key) in ([], ()):
            fields.note(key, "EMPTY", f"must not be empty: {hint}.")
        return [
            Fields(row, fields.at(f"{key}.{index}"), fields.problems)
            for index, row in enumerate(rows)
        ]

    def _cut(self, fields: Fields, known: Sequence[str] = CUTS) -> CutTerms:
        given = [key for key in known if fields.has(key)]
        if len(given) != 1:
            rule = f"must have exactly one of {', '.join(known)}"
            message = f"{fields.path} {rule}; it has {' and '.join(given) or 'none'}."
            fields.problems.append(RuleProblem(fields.path, "ONE_CUT", message))
        return CutTerms(
            percent=percent_in(fields),
            amount_minor=self._amounts(fields, "amount", low_minor=1),
            price_minor=self._amounts(fields, "price") if "price" in known else (),
        )

    def _opening(self, fields: Fields) -> OpeningTerms:
        opens = fields.section("opens")
        main = selection_in(opens) if opens.has("select") else None
        if opens.has("quantity") and main is None:
            opens.note("quantity", "NO_EFFECT", "has no effect without select: leave it out.")
        opening = OpeningTerms(
            main=main,
            main_quantity=opens.whole("quantity", 1, low=1, high=UNITS_MAX),
            from_minor=self._amounts(opens, "from"),
            below_minor=self._amounts(opens, "below", low_minor=1),
            below_offer=opens.slug("below_offer", NAME_LENGTH_MAX),
        )
        if opens.has("below") and opens.has("below_offer"):
            rule = "cannot stand beside below: an amount, or that of an offer of free shipping."
            opens.note("below_offer", "ONE_BELOW", rule)
        opens.close()
        if fields.take("opens") == {}:
            fields.note(
                "opens", "EMPTY", "must name what opens it: select, from, below or below_offer."
            )
        return opening

    def _amounts(self, fields: Fields, key: str, *, low_minor: int = 0) -> Amounts:
        return amounts_in(fields, key, self.exponents, low_minor=low_minor)

    # --- who, when, how often ------------------------------------------------------------------

    def _audience(self) -> Audience:
        fields = self.top.section("audience")
        audience = Audience(
            is_members_only=fields.flag("members_only", default=False),
            tiers=_names(fields, "tiers", are_slugs=True),
            segments=_names(fields, "segments", are_slugs=True),
            tags=_names(fields, "tags"),
            novelty=fields.choice("novelty", Novelty.NEW) if fields.has("novelty") else None,
            is_granted_only=fields.flag("granted_only", default=False),
        )
        fields.close()
        return audience

    def _limits(self) -> Limits:
        fields = self.top.section("limits")
        limits = Limits(
            per_order=fields.limit("per_order", low=1),
            per_customer=fields.limit("per_customer", low=1),
            in_total=fields.limit("in_total", low=1),
            period=fields.choice("period", LimitPeriod.ALL_TIME),
            total_period=(
                fields.choice("total_period", LimitPeriod.ALL_TIME)
                if fields.has("total_period")
                else None
            ),
        )
        fields.close()
        return limits


def _names(fields: Fields, key: str, *, are_slugs: bool = False) -> frozenset[str]:
    names = fields.rows(key, NAMES_MAX)
    if fields.take(key) in ([], ()):
        fields.note(key, "EMPTY", f"names no {key}: leave the key out, or name some.")
    read = fields.slug_of if are_slugs else fields.text_of
    return frozenset(
        read(f"{key}.{index}", name, NAME_LENGTH_MAX) for index, name in enumerate(names)
    ) - {""}
