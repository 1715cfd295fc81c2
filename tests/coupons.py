"""Coupons in tests: issued to the customers of a shop, and typed at its checkout."""

from __future__ import annotations

from typing import Any

from django.test import TestCase

from saleor_retention.engine.coupons.terms import CouponTerms, parse
from saleor_retention.models import Account, Coupon, CouponKind
from saleor_retention.services.couponing import coupons
from tests.factories.current import factories
from tests.graphql.world import IS_SALEOR_3, World, gid

ADD = (
    """mutation ($id: ID!, $code: String!) { checkoutAddPromoCode(id: $id, promoCode: $code) {
         errors { field message code } } }"""
    if IS_SALEOR_3
    else """mutation ($id: ID!, $code: String!) {
         checkoutAddPromoCode(checkoutId: $id, promoCode: $code) {
           errors: checkoutErrors { field message code } } }"""
)
COMPLETE = (
    """mutation ($id: ID!) { checkoutComplete(id: $id) {
         order { id } errors { field message code } } }"""
    if IS_SALEOR_3
    else """mutation ($id: ID!) { checkoutComplete(checkoutId: $id) {
         order { id } errors: checkoutErrors { field message code } } }"""
)


def terms(**changes: Any) -> CouponTerms:
    """Return five dollars off, or as the changes say."""
    document = {"name": "Five off", "amounts": {"USD": 500}, **changes}
    return parse({key: value for key, value in document.items() if value is not None})


def issue(
    world: World,
    account: Account | None = None,
    kind: CouponKind = CouponKind.PERSONAL,
    *,
    key: str = "one",
    days: int = 30,
    why: coupons.Circumstances = coupons.NOTHING_SPECIAL,
    **changes: Any,
) -> Coupon:
    """Issue a coupon with these terms."""
    return coupons.issue(
        world.program, kind, account, terms(**changes), key=key, valid_for_days=days, why=why
    )


def typed(checkout: Any, code: str, user: Any) -> list[tuple[str, str, str]]:
    """Type a code at a checkout; return (field, message, code) of each error."""
    return _errors(ADD, checkout, user, code=code)


def completed(checkout: Any, user: Any) -> list[tuple[str, str, str]]:
    """Pay and complete a checkout; return (field, message, code) of each error."""
    if IS_SALEOR_3:
        factories().pay(checkout)
    else:
        factories().announce(checkout)
    return _errors(COMPLETE, checkout, user)


def bought_with(code: str, user: Any, variant: Any) -> Any:
    """Return a customer's paid order of one unit with a code, and what its hooks do."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        checkout = factories().make_checkout(user, {variant: 1})
        factories().add_voucher(checkout, code, user)
        checkout.refresh_from_db()
        return factories().complete(checkout)


def _errors(query: str, checkout: Any, user: Any, **more: Any) -> list[tuple[str, str, str]]:
    answer = factories().ask(query, {"id": gid("Checkout", checkout), **more}, user)
    (payload,) = answer.values()
    return [(error["field"], error["message"], error["code"]) for error in payload["errors"]]
