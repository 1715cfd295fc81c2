"""The test runner itself: the right Saleor, and a fresh database after a test that commits."""

from __future__ import annotations

import pytest
import saleor
from django.contrib.auth import get_user_model


def test_runs_on_the_saleor_it_names(host: str) -> None:
    """The imported Saleor is the one that was asked for."""
    assert saleor.__version__.startswith({"2.10": "dev"}.get(host, host))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_attempt", [1, 2])
def test_a_committed_row_is_gone_in_the_next_test(_attempt: int) -> None:
    """Two tests commit the same unique e-mail address: a left-over row would fail the second."""
    get_user_model().objects.create(email="committed@example.com")

    assert get_user_model().objects.count() == 1


@pytest.mark.django_db
def test_an_uncommitted_row_is_seen() -> None:
    """A plain test sees what it wrote."""
    get_user_model().objects.create(email="uncommitted@example.com")

    assert get_user_model().objects.count() == 1
