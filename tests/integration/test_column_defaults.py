"""Columns that came later may be left out: a process of the version before goes on writing."""

from __future__ import annotations

import pytest
from django.db import connection

LATER = {
    ("saleor_retention_backfill", "channel_ref"),
    ("saleor_retention_couponuse", "currency"),
    ("saleor_retention_dispatch", "points_given"),
    ("saleor_retention_offeruse", "returned_minor"),
    ("saleor_retention_surveyanswer", "period"),
    ("saleor_retention_surveyanswer", "survey"),
}


@pytest.mark.django_db
def test_the_database_fills_in_what_is_left_out() -> None:
    """By a default of its own, which Django drops unless a migration says otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_name LIKE 'saleor_retention_%' AND column_default IS NOT NULL"
            " AND column_default NOT LIKE 'nextval%'"
        )
        filled = set(cursor.fetchall())

    assert filled >= LATER
