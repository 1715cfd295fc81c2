"""Texts and refusals over HTTP follow the request's languages; data does not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from saleor_retention.engine.phrases import phrase
from saleor_retention.host import codes
from saleor_retention.host.refusing import refused
from tests.coupons import ADD, issue
from tests.graphql.world import ANONYMOUS, IS_SALEOR_3, World, factories, gid, operation

pytestmark = pytest.mark.django_db(databases="__all__")

ENGLISH = "Every 1.00 USD spent earns 1 point."
TRADITIONAL = "每消費 1.00 USD 可獲得 1 點。"
SIMPLIFIED = "每消费 1.00 USD 可获得 1 积分。"
NOT_YOURS = (
    "This code belongs to another customer. Log in as that customer, or go on without the code."
)


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        ("", ENGLISH),
        ("en-GB,en;q=0.9", ENGLISH),
        ("zh-TW,zh;q=0.9,en;q=0.8", TRADITIONAL),
        ("zh-Hant", TRADITIONAL),
        ("zh-HK", TRADITIONAL),
        ("zh-CN,zh-TW;q=0.5", SIMPLIFIED),
        ("zh-Hans-SG", SIMPLIFIED),
        ("zh", SIMPLIFIED),
        ("xx, zh-TW;q=0.5", TRADITIONAL),
        ("*", ENGLISH),
        ("zh-TW;q=nonsense", ENGLISH),
        ("x" * 5000, ENGLISH),
    ],
)
def test_the_first_language_that_is_known_is_answered_in(
    world: World, languages: str, text: str
) -> None:
    """By the header; Chinese by its script, whatever the region."""
    asks = replace(ANONYMOUS, languages=languages)

    found = asks.ask(operation("storefront/program"), channel=world.channel)["retentionProgram"]

    assert found["sentences"][0]["text"] == text
    assert found["name"] == world.program.name


def test_benefits_history_and_the_next_tier_are_translated(world: World) -> None:
    """Also what is put together from parts, and what a batch of other fields hands on."""
    world.give(30)
    asks = replace(world.owner, languages="zh-TW")
    query = """
    query($channel: String) {
      me { retention(channel: $channel) {
        nextTier { text benefits { text } }
        history(first: 1) { edges { node { text } } }
      } }
    }"""

    member = asks.ask(query, channel=world.channel)["me"]["retention"]

    assert member["nextTier"]["text"] == "再消費 500.00 USD\uff0c即可升級為「VIP」。"
    assert [each["text"] for each in member["nextTier"]["benefits"]][:2] == [
        "全部商品減 10%",
        "點數 2 倍",
    ]
    assert member["history"]["edges"][0]["node"]["text"] == "由商店贈送。"


def test_a_refusal_is_said_in_the_shoppers_language(world: World) -> None:
    """Field and code are the same in every language."""
    asks = replace(world.owner, languages="zh-CN")

    payload = asks.ask(operation("storefront/enrol"), channel="nowhere")["retentionEnrol"]

    assert payload["errors"] == [
        {"field": "channel", "message": "找不到销售渠道“nowhere”。", "code": "NOT_FOUND"}
    ]


def test_why_a_rule_applies_or_not_is_translated(world: World) -> None:
    """Also when the price was stored before: what is stored can be said in every language."""
    checkout = world.checkout({factories().make_product("10.00"): 2})
    key, kind, value = "id", "ID", checkout
    if not IS_SALEOR_3:
        key, kind, value = "token", "UUID", factories().pk_of(checkout)
    query = (
        f"query ($key: {kind}!) {{ checkout({key}: $key) {{ retention {{ "
        "verdicts { ruleKey text } } } }"
    )

    def texts(languages: str) -> dict[str, str]:
        asks = replace(world.owner, languages=languages)
        found = asks.ask(query, key=value)["checkout"]["retention"]["verdicts"]
        return {row["ruleKey"]: row["text"] for row in found}

    english, traditional, simplified = texts("en"), texts("zh-TW"), texts("zh-CN")

    assert english["points"] == "No points are set for this basket."
    assert traditional["points"] == "此購物車未使用點數。"
    assert simplified["points"] == "此购物车未使用积分。"
    assert english["member:vip"].startswith("VIP is not reached yet; it would take ")
    assert traditional["member:vip"].startswith("尚未達到「VIP」\uff1b達到後此購物車可再減 ")
    assert simplified["member:vip"].startswith("尚未达到“VIP”\uff1b达到后此购物车可再减 ")


def test_why_a_gift_is_refused_is_translated(world: World) -> None:
    """As any refusal that a shopper may meet."""
    checkout = world.checkout({factories().make_product("10.00"): 1})
    asks = replace(world.owner, languages="zh-TW")

    payload = asks.ask(
        operation("storefront/gift-pick"), checkoutId=checkout, offerId="none", variantIds=[]
    )["retentionGiftPick"]

    assert [each["message"] for each in payload["errors"]] == ["找不到此優惠。"]


@pytest.mark.parametrize(
    ("language", "taken", "unknown"),
    [
        (
            "zh-hant",
            "此優惠碼屬於其他顧客。請以該顧客身分登入\uff0c或不使用優惠碼繼續結帳。",
            "無法使用此優惠碼。",
        ),
        (
            "zh-hans",
            "此优惠码属于其他顾客。请以该顾客身份登录\uff0c或不使用优惠码继续结账。",
            "无法使用此优惠码。",
        ),
        (
            "en",
            NOT_YOURS,
            "This code cannot be used.",
        ),
    ],
)
def test_why_a_code_is_refused_is_translated(
    world: World, settings: Any, language: str, taken: str, unknown: str
) -> None:
    """Typed and at the order in the language of the checkout, looked up in the request's.

    A checkout of 2.10 has none: there it is the active one, which a shop can make the request's.
    """
    coupon = issue(world, world.account())
    checkout = factories().make_checkout(world.other.user, {factories().make_product("10.00"): 1})
    asks = replace(world.other, languages=language)
    if IS_SALEOR_3:
        checkout.language_code = language
        checkout.save(update_fields=["language_code"])
    else:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]

    with translation.override("en"):
        typed = asks.ask(ADD, id=gid("Checkout", checkout), code=coupon.code)
        looked_up = asks.post(operation("storefront/coupon-lookup"), code=coupon.code)
    checkout.voucher_code = coupon.code
    active = "en" if IS_SALEOR_3 else language
    with translation.override(active), pytest.raises(ValidationError) as ordered:
        codes.reserve(checkout)

    errors = typed["checkoutAddPromoCode"]["errors"]
    assert [error["message"] for error in errors] == [taken]
    assert [error["message"] for error in looked_up["errors"]] == [unknown]
    assert ordered.value.messages == [taken]


def test_the_language_ends_with_the_request(world: World) -> None:
    """A process answers the next request in that one's own language."""
    before = translation.get_language()

    replace(ANONYMOUS, languages="zh-TW").ask(
        operation("storefront/program"), channel=world.channel
    )

    assert translation.get_language() == before


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", 'The offer "Tea" is used up.'),
        ("zh-hant", "優惠「Tea」已用完。"),
        ("zh-hk", "優惠「Tea」已用完。"),
        ("zh-hans", "优惠“Tea”已用完。"),
        ("xx", 'The offer "Tea" is used up.'),
        ("", 'The offer "Tea" is used up.'),
    ],
)
def test_a_refused_order_is_said_in_the_checkouts_language(language: str, text: str) -> None:
    """There no request of ours is known; a checkout without a language has the active one."""
    message = phrase('The offer "%(name)s" is used up.', name="Tea")

    error = refused(message, SimpleNamespace(language_code=language))

    assert (error.messages, error.code) == ([text], "invalid")
