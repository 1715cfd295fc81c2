"""A member's history: every posting once, newest first, page by page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from saleor_retention.models import Account, Note
from saleor_retention.selectors import history
from saleor_retention.services.ledger import granting, maturing
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Points become available after 14 days."""
    return ledger.open_shop(monkeypatch, maturing={"rule": "days_after_payment", "days": 14})


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member with an order that matured and was returned in part, and some goodwill."""
    member = shop.member("ann")
    shop.buys(member, "o1", "30.00", "20.00", now=at("2026-03-01 10:00"))
    maturing.mature_due(at("2026-03-15 10:00"))
    shop.host.return_units("o1", "b", 1)
    shop.settle("o1", at("2026-03-16"))
    granting.grant(
        account_id=member.pk,
        points=5,
        reason="Late parcel",
        actor_ref="user:7",
        key="k",
        now=at("2026-03-17"),
    )
    return member


def test_the_history_says_what_moved_and_why(ann: Account) -> None:
    """Newest first; a posting between the member's own books gains nothing but moves points."""
    page = history.page(ann.pk, first=10)

    rows = [(row.kind, row.at, row.points, row.moved, row.order_ref) for row in page.movements]
    assert rows == [
        ("grant", at("2026-03-17"), 5, 5, ""),
        ("clawback", at("2026-03-16"), -20, 20, "o1"),
        ("mature", at("2026-03-15 10:00"), 0, 50, "o1"),
        ("earn", at("2026-03-01 10:00"), 50, 50, "o1"),
    ]
    grant, clawback, mature, earn = page.movements
    assert (grant.note, grant.actor_ref, clawback.cause) == ("Late parcel", "user:7", "return")
    assert (mature.pending, mature.available) == (-50, 50)
    assert (earn.pending, earn.rule_key) == (50, "base")
    assert not page.has_next


def test_pages_follow_each_other_without_gap_or_double(ann: Account) -> None:
    """Also when something is posted between two pages."""
    first = history.page(ann.pk, first=2)
    ledger.give(ann, 1)
    second = history.page(ann.pk, first=2, after_id=first.movements[-1].id)
    third = history.page(ann.pk, first=2, after_id=second.movements[-1].id)

    kinds = [[row.kind for row in page.movements] for page in (first, second, third)]
    assert kinds == [["grant", "clawback"], ["mature", "earn"], []]
    assert [page.has_next for page in (first, second, third)] == [True, False, False]


def test_a_page_costs_one_statement_and_has_a_maximum(
    ann: Account, django_assert_num_queries: Any
) -> None:
    """However many are asked for."""
    with django_assert_num_queries(1), override_settings(RETENTION_PAGE_SIZE_MAX=3):
        page = history.page(ann.pk, first=10**9)

    assert (len(page.movements), page.has_next) == (3, True)


def test_redacted_words_are_gone_and_the_posting_stays(ann: Account) -> None:
    """Only the note changes."""
    Note.objects.update(redacted_at=timezone.now())

    assert [(row.note, row.points) for row in history.page(ann.pk, first=1).movements] == [("", 5)]


def test_a_member_sees_no_one_elses_postings(shop: Shop, ann: Account) -> None:
    """By account."""
    assert ann.pk
    assert history.page(shop.member("bob").pk, first=10).movements == ()
