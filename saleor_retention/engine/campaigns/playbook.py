"""Ready campaigns, one for each recency band: a start that a merchant edits (capability C42).

Who buys is shown what is new, who sleeps is told what is going on, who is at risk gets a larger
offer, and who is lost is asked for the reason. What only the merchant knows stands in brackets.
Each is parsed like any other document.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from saleor_retention.engine.segments.bands import Band

HOLDOUT_PER_MILLE = 100
LIMITS = {"quiet": {"from": "21:00", "to": "09:00"}, "cap": {"messages": 2, "days": 7}}


@dataclass(frozen=True, slots=True)
class Play:
    """A ready campaign: its name here, what it does in words, for whom, and its document."""

    name: str
    title: str
    band: Band
    document: dict[str, Any]
    segment: dict[str, Any] = field(default_factory=dict)  # slug, name, rule: to be made first
    feedback: dict[str, Any] = field(default_factory=dict)  # of the rules, by slug: needed, too


def playbook(on: dt.date) -> tuple[Play, ...]:
    """Return the campaigns, the best customers' first; ``on`` is the day of what has one day.

    >>> [play.name for play in playbook(dt.date(2026, 3, 10))]
    ['active_new_items', 'sleeping_event', 'at_risk_offer', 'lost_reason']
    """
    return (
        Play(
            name="active_new_items",
            title="Show what is new to those who buy",
            band=Band.ACTIVE,
            document=_campaign(
                {"kind": "once", "on": on.isoformat()},
                _NEW_ITEMS,
                audience={"segments": ["active"]},
            ),
            segment={"slug": "active", "name": "Active", "rule": {"band": ["active"]}},
        ),
        Play(
            name="sleeping_event",
            title="Tell those who sleep what is going on",
            band=Band.SLEEPING,
            document=_campaign({"kind": "win_back", "band": "sleeping"}, _EVENT),
        ),
        Play(
            name="at_risk_offer",
            title="A larger offer for those at risk",
            band=Band.AT_RISK,
            document=_campaign(
                {"kind": "win_back", "band": "at_risk"},
                _OFFER,
                benefit={
                    "coupon": {
                        "kind": "personal",
                        "terms": {"name": "Welcome back", "percent": "20"},
                        "valid_for_days": 14,
                    },
                    "with_message_only": True,
                },
            ),
        ),
        Play(
            name="lost_reason",
            title="Ask those who are lost for the reason",
            band=Band.LOST,
            document=_campaign(
                {"kind": "win_back", "band": "lost"}, _REASON, feedback="lost-reason"
            ),
            feedback={"lost-reason": _REASONS},
        ),
    )


def _campaign(
    trigger: dict[str, Any], texts: dict[str, tuple[str, str]], feedback: str = "", **rest: Any
) -> dict[str, Any]:
    message = {
        **({"feedback": feedback} if feedback else {}),
        "channel": "email",
        "texts": {
            language: {"subject": subject, "text": text}
            for language, (subject, text) in texts.items()
        },
    }
    return {
        "trigger": trigger,
        "message": message,
        "limits": LIMITS,
        "holdout_per_mille": HOLDOUT_PER_MILLE,
        **rest,
    }


_EN = "Hello {{ first_name|default:'there' }},\n\n"
_EN_END = "\n\nNo more of these messages: {{ unsubscribe_url }}\n"
_HANT = "{{ first_name|default:'您' }},您好:\n\n"
_HANT_END = "\n\n不想再收到此類訊息:{{ unsubscribe_url }}\n"
_HANS = "{{ first_name|default:'您' }},您好:\n\n"
_HANS_END = "\n\n不想再收到此类消息:{{ unsubscribe_url }}\n"


def _texts(en: tuple[str, str], hant: tuple[str, str], hans: tuple[str, str]) -> Any:
    return {
        "en": (en[0], _EN + en[1] + _EN_END),
        "zh-hant": (hant[0], _HANT + hant[1] + _HANT_END),
        "zh-hans": (hans[0], _HANS + hans[1] + _HANS_END),
    }


_NEW_ITEMS = _texts(
    ("New at our shop", "this is new, and you are among the first to see it: [what is new, link]"),
    ("本店新品", "新品上架,邀您搶先看:[新品與連結]"),
    ("本店新品", "新品上架,邀您抢先看:[新品与链接]"),
)
_EVENT = _texts(
    ("Something is going on", "we have not seen you for a while. Come by: [event, day, link]"),
    ("近期活動", "好久不見,誠摯邀請您參加:[活動、日期、連結]"),
    ("近期活动", "好久不见,诚挚邀请您参加:[活动、日期、链接]"),
)
_OFFER = _texts(
    (
        "20 % off, for you",
        (
            "we would like to see you again. With {{ coupon }} you get 20 % off your next order, "
            "for two weeks: [link]"
        ),
    ),
    ("專屬八折優惠", "期待再次為您服務。結帳時輸入 {{ coupon }},兩週內下次訂購享八折:[連結]"),
    ("专属八折优惠", "期待再次为您服务。结账时输入 {{ coupon }},两周内下次订购享八折:[链接]"),
)
_REASON = _texts(
    (
        "What could we do better?",
        (
            "your last order was long ago. What kept you away: the choice, the prices, the "
            "delivery, something else? Please tell us, it takes a minute and we read every answer: "
            "[link]?survey={{ feedback }}"
        ),
    ),
    (
        "我們哪裡可以做得更好?",
        (
            "距離您上次訂購已有一段時間。是商品、價格、配送,還是其他原因?"
            "請花一分鐘告訴我們,每一則回覆我們都會讀:[連結]?survey={{ feedback }}"
        ),
    ),
    (
        "我们哪里可以做得更好?",
        (
            "距离您上次订购已有一段时间。是商品、价格、配送,还是其他原因?"
            "请花一分钟告诉我们,每一条回复我们都会读:[链接]?survey={{ feedback }}"
        ),
    ),
)
_REASONS: dict[str, Any] = {
    "per": "year",
    "intro": "Why did you stay away?",
    "intros": {"zh-hant": "是什麼原因讓您許久未訂購?", "zh-hans": "是什么原因让您许久未订购?"},
    "questions": [
        {
            "key": "reason",
            "label": "What kept you away?",
            "labels": {"zh-hant": "原因", "zh-hans": "原因"},
            "type": "choices",
            "options": ["choice", "prices", "delivery", "service", "no-need", "other"],
            "required": True,
        },
        {
            "key": "wish",
            "label": "What would bring you back?",
            "labels": {"zh-hant": "怎麼做您會再來?", "zh-hans": "怎么做您会再来?"},
            "type": "text",
        },
    ],
}
