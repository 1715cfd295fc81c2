"""Work that is due is taken in the index's order: a million lots of one instant are not sorted."""

from __future__ import annotations

import pytest
from django.db import connection

from saleor_retention.services.ledger import sweeping
from tests import ledger
from tests.fakes import at

pytestmark = pytest.mark.django_db

NOW = at("2027-01-01")
LOTS = 60
READ = """
    SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
    WHERE relname = 'saleor_retention_lot'
"""


def _read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(READ)
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("statement", [sweeping.MATURE, sweeping.EXPIRE])
def test_a_batch_reads_its_lots_only(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """At a year's end every lot may die at once; no batch looks at all that are left."""
    shop = ledger.open_shop(monkeypatch)
    for number in range(LOTS):
        member = shop.member(f"m{number}")
        ledger.give(member, 5, valid_from=at("2026-05-01"), expires_at=at("2026-06-01"))
    before = _read()

    assert sweeping.sweep(statement, NOW, 2) >= 2
    assert 0 < _read() - before < LOTS / 2
