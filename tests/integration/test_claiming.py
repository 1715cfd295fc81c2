"""Work that is due is taken in the index's order: a million lots of one instant are not sorted."""

from __future__ import annotations

import pytest
from django.db import connection

from saleor_retention import sql
from tests.fakes import at

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("claim", ["claim_expiring", "claim_maturing"])
def test_a_claim_sorts_nothing(claim: str) -> None:
    """At a year's end every lot may die at once; each batch would sort all that are left.

    The planner avoids a sort where it can, when told so; without the index it cannot.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            f"EXPLAIN {sql.load(claim)}",  # our own file
            {"now": at("2027-01-01"), "limit": 1000},
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index" in plan
    assert "Sort" not in plan
