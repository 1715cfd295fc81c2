"""A till that reports sales and what comes back, more than once and in any order."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from tests.acceptance.retention import balance, member
from tests.acceptance.stage import Stage

pytestmark = pytest.mark.saleor3

RECORD = """
mutation ($input: RetentionSaleInput!) {
  retentionSaleRecord(input: $input) {
    isNew order { earned clawedBack } errors { field message code }
  }
}
"""
REVERSE = """
mutation ($input: RetentionSaleReversalInput!) {
  retentionSaleReverse(input: $input) {
    isNew order { earned clawedBack } errors { field message code }
  }
}
"""

_numbers = itertools.count(1)


def _sale(stage: Stage, number: str, receipt: str, **changes: Any) -> dict[str, Any]:
    return {
        "source": "till-1",
        "receipt": receipt,
        "channel": stage.net.slug,
        "member": {"number": number},
        "soldAt": dt.datetime.now(dt.UTC).isoformat(),
        "currency": "USD",
        "lines": [
            {"ref": "1", "sku": "A", "quantity": 2, "net": "160.00", "gross": "176.00"},
            {"ref": "2", "sku": "B", "quantity": 1, "net": "30.00", "gross": "33.00"},
        ],
        **changes,
    }


def test_a_sale_that_is_reported_three_times(stage: Stage) -> None:
    """It earns once; with other content under its name it is refused."""
    # given
    ada = stage.shopper()
    number = member(ada.client, stage.net)["number"]
    sale = _sale(stage, number, f"receipt-{next(_numbers)}")

    # when
    answers = [stage.shop.till.do(RECORD, input=sale) for _ in range(3)]
    (error,) = stage.shop.till.refused(RECORD, input={**sale, "currency": "PLN"})

    # then
    assert [answer["isNew"] for answer in answers] == [True, False, False]
    assert answers[0]["order"] == {"earned": 190, "clawedBack": 0}
    assert error["code"] == "KEY_REUSED"
    assert balance(ada.client, stage.net) == (290, 0, 0, 0)


def test_a_reversal_before_its_sale(stage: Stage) -> None:
    """What came back is known before what was sold: the end is the same."""
    # given
    ada = stage.shopper()
    number = member(ada.client, stage.net)["number"]
    sale = _sale(stage, number, f"receipt-{next(_numbers)}")
    back = {
        "source": "till-1",
        "receipt": sale["receipt"],
        "reversalId": "back-1",
        "lines": [{"ref": "1", "quantity": 1}],
    }

    # when
    early = stage.shop.till.do(REVERSE, input=back)
    sold = stage.shop.till.do(RECORD, input=sale)
    again = stage.shop.till.do(REVERSE, input=back)

    # then
    assert early["order"] is None
    assert sold["order"] == {"earned": 190, "clawedBack": 80}
    assert again["isNew"] is False
    assert balance(ada.client, stage.net) == (210, 0, 0, 0)

    # and: the rest
    whole = {**back, "reversalId": "back-2", "lines": None}
    assert stage.shop.till.do(REVERSE, input=whole)["order"] == {"earned": 190, "clawedBack": 190}
    assert balance(ada.client, stage.net) == (100, 0, 0, 0)


def test_sales_that_cannot_be(stage: Stage) -> None:
    """Unknown members, no lines, negative amounts, more back than sold; nothing is kept of them."""
    # given
    ada = stage.shopper()
    number = member(ada.client, stage.net)["number"]
    good = _sale(stage, number, f"receipt-{next(_numbers)}")
    line = good["lines"][0]

    # when, then
    for changes, field in (
        ({"member": {"number": "no-such-number"}}, "member"),
        ({"member": {}}, "member"),
        ({"member": {"number": number, "email": ada.email}}, "member"),
        ({"lines": []}, "lines"),
        ({"lines": [{**line, "quantity": 0}]}, "lines"),
        ({"lines": [{**line, "gross": "-1.00"}]}, "lines"),
        ({"lines": [{**line, "gross": "1.001"}]}, "lines"),
        ({"channel": "nowhere"}, "channel"),
        ({"currency": "XXX"}, "currency"),
        ({"receipt": ""}, "receipt"),
    ):
        errors = stage.shop.till.refused(RECORD, input={**good, **changes})
        assert errors[0]["field"].startswith(field), (changes, errors)
    stage.shop.till.do(RECORD, input=good)
    too_many = {
        "source": "till-1",
        "receipt": good["receipt"],
        "reversalId": "too-many",
        "lines": [{"ref": "1", "quantity": 3}],
    }
    assert stage.shop.till.refused(REVERSE, input=too_many)[0]["field"].startswith("lines")
    assert balance(ada.client, stage.net) == (290, 0, 0, 0)
    for caller in (stage.shop.anonymous, ada.client, stage.shop.payments):
        caller.rejected(RECORD, input=good)
