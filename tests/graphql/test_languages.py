"""Texts and refusals over HTTP follow the request's languages; data does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import translation

from tests.graphql.world import ANONYMOUS, World, operation

pytestmark = pytest.mark.django_db(databases="__all__")

ENGLISH = "Every 1.00 USD spent earns 1 point."
TRADITIONAL = "每消費 1.00 USD 可獲得 1 點。"
SIMPLIFIED = "每消费 1.00 USD 可获得 1 积分。"


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


def test_the_language_ends_with_the_request(world: World) -> None:
    """A process answers the next request in that one's own language."""
    before = translation.get_language()

    replace(ANONYMOUS, languages="zh-TW").ask(
        operation("storefront/program"), channel=world.channel
    )

    assert translation.get_language() == before
