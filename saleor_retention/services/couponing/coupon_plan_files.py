"""A program's coupon plans in its YAML file: read, applied, written.

A plan cannot be retired, since coupons name it: where the file's list is complete, those that it
does not name are switched off.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from saleor_retention.engine.coupons.terms import CouponTerms, InvalidTerms, parse
from saleor_retention.engine.fields import LIMIT_MAX, Fields
from saleor_retention.engine.rules import RuleProblem
from saleor_retention.errors import Refusal, Refusals
from saleor_retention.models import CouponPlan, CouponTrigger, Program
from saleor_retention.services.couponing import coupon_plans
from saleor_retention.services.couponing.coupon_plans import Draft
from saleor_retention.services.couponing.terms_in_files import in_minor_units, in_whole_units
from saleor_retention.services.setting_up.differences import differences

PLANS_MAX = 1000
KEYS = {
    "validForDays": "valid_for_days",
    "remindDays": "remind_days",
    "perDay": "per_day",
    "perDayGroups": "per_day_groups",
    "perDayApps": "per_day_apps",
    "isActive": "active",
}
"""What the file calls a field that a refusal names."""


@dataclass(frozen=True, slots=True)
class WantedPlan:
    """One plan of a file; without a draft where the file's problems say why."""

    path: str
    slug: str
    draft: Draft | None


def read_plans(program: Fields) -> tuple[WantedPlan, ...]:
    """Return the coupon plans of a program's entry, with their terms read."""
    wanted: list[WantedPlan] = []
    for index, row in enumerate(program.rows("coupon_plans", PLANS_MAX)):
        fields = Fields(row, program.at(f"coupon_plans.{index}"), program.problems)
        item = _plan(fields)
        fields.close()
        if item.slug and any(item.slug == other.slug for other in wanted):
            fields.note("slug", "UNIQUE", f"is taken: {item.slug} stands above.")
        wanted.append(item)
    return tuple(wanted)


def apply_plans(
    program: Program,
    wanted: Iterable[WantedPlan],
    *,
    is_complete: bool,
    actor_ref: str,
    at: dt.datetime,
) -> list[str]:
    """Make a program's coupon plans what the file says; return a line for each value changed.

    Those that are switched off come first, so that another may take the place of a first order's.
    The caller holds a transaction. Raises ``Refusals`` with everything that is wrong, by paths into
    the file.
    """
    there = {plan.slug: plan for plan in _plans_of(program)}
    before = _in_words(there.values())
    drafts = [(item, item.draft) for item in wanted if item.draft is not None]
    if is_complete:
        for slug in there.keys() - {draft.slug for _item, draft in drafts}:
            off = replace(_draft_of(there[slug]), is_active=False)
            coupon_plans.set_plan(program, off, actor_ref=actor_ref, now=at)
    refusals: list[Refusal] = []
    for item, draft in sorted(drafts, key=lambda pair: pair[1].is_active):
        try:
            coupon_plans.set_plan(program, draft, actor_ref=actor_ref, now=at)
        except Refusal as refusal:
            refusals.append(_at(item, refusal))
    if refusals:
        raise Refusals(refusals)
    after = _in_words(_plans_of(program))
    return differences({"coupon_plans": before}, {"coupon_plans": after})


def plan_entries(program: Program) -> list[dict[str, Any]]:
    """Return the program's coupon plans as a file holds them."""
    return [{"slug": plan.slug, **_said(plan)} for plan in _plans_of(program)]


def _plan(fields: Fields) -> WantedPlan:
    for key, hint in (
        ("slug", "what names it"),
        ("trigger", "what it is for, goodwill or next_order"),
        ("terms", "what each coupon gives"),
        ("valid_for_days", "how many days it can be used"),
    ):
        fields.require(key, hint)
    slug = fields.text("slug", coupon_plans.SLUG_LENGTH_MAX)
    make = partial(
        Draft,
        slug=slug,
        trigger=fields.choice("trigger", CouponTrigger.GOODWILL),
        valid_for_days=fields.whole("valid_for_days", 0, high=LIMIT_MAX),
        remind_days=fields.limit("remind_days"),
        cap=fields.limit("cap"),
        per_day=fields.limit("per_day"),
        per_day_groups=_allowances(fields, "per_day_groups"),
        per_day_apps=_allowances(fields, "per_day_apps"),
        is_active=fields.flag("active", default=True),
    )
    terms = _terms(fields)
    return WantedPlan(fields.path, slug, None if terms is None else make(terms=terms))


def _terms(fields: Fields) -> CouponTerms | None:
    """Return what a coupon gives; None, and why among the problems, where it cannot be read."""
    path, count = fields.at("terms"), len(fields.problems)
    given = in_minor_units(fields.take("terms"), path, fields.problems)
    if given is not None and not isinstance(given, Mapping):
        Fields(given, path, fields.problems)
    if given is None or len(fields.problems) > count:
        return None
    try:
        return parse(given)
    except InvalidTerms as error:
        fields.problems += [
            RuleProblem(f"{path}.{name}", "INVALID", f"{path}: {sentence}")
            for name, sentence in error.problems
        ]
    return None


def _allowances(fields: Fields, key: str) -> dict[str, int]:
    """Return limits by the name of a permission group or an app."""
    found = {}
    for name, value in fields.keyed(key):
        one = Fields({name: value}, fields.at(key), fields.problems)
        one.require(name, "how many in a day")
        found[name] = one.whole(name, 0, high=LIMIT_MAX)
    return found


def _plans_of(program: Program) -> list[CouponPlan]:
    return list(CouponPlan.objects.filter(program=program).order_by("slug"))


def _in_words(plans: Iterable[CouponPlan]) -> dict[str, dict[str, Any]]:
    return {plan.slug: _said(plan) for plan in plans}


def _said(plan: CouponPlan) -> dict[str, Any]:
    """Return all that a file says of a plan but its slug; limits that it lacks are left out."""
    said = {
        "trigger": str(plan.trigger),
        "active": plan.is_active,
        "terms": in_whole_units(plan.terms),
        "valid_for_days": plan.valid_for_days,
        "remind_days": plan.remind_days,
        "cap": plan.cap,
        "per_day": plan.per_day,
        "per_day_groups": plan.per_day_groups or None,
        "per_day_apps": plan.per_day_apps or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _draft_of(plan: CouponPlan) -> Draft:
    return Draft(
        slug=plan.slug,
        trigger=CouponTrigger(plan.trigger),
        terms=parse(plan.terms),
        valid_for_days=plan.valid_for_days,
        remind_days=plan.remind_days,
        cap=plan.cap,
        per_day=plan.per_day,
        per_day_groups=plan.per_day_groups,
        per_day_apps=plan.per_day_apps,
        is_active=plan.is_active,
    )


def _at(item: WantedPlan, refusal: Refusal) -> Refusal:
    """Say where in the file a refusal of its plan belongs."""
    key, dot, rest = (refusal.field or "").partition(".")
    inner = f"{KEYS.get(key, key)}{dot}{rest}"
    path = f"{item.path}.{inner}".rstrip(".")
    return Refusal(refusal.code, f"{item.slug}: {refusal.message}", path)
