"""A lot expires after it becomes valid: the database holds that, also of lots from before."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from saleor_retention.models import Account, Lot
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import expiring, maturing
from saleor_retention.services.ledger.replaying import replay
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

APRIL = at("2026-04-01")
STATEMENTS = import_module("saleor_retention.migrations.0038_lot_lives")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A program."""
    return ledger.open_shop(monkeypatch)


@pytest.fixture
def ann(shop: Shop) -> Account:
    """A member."""
    return shop.member("ann")


def run(*statements: str) -> None:
    """Run statements as a migration does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.parametrize("dies", ["2026-03-31 23:59:59", "2026-04-01"])
def test_a_lot_that_never_lives_is_refused(ann: Account, dies: str) -> None:
    """With the posting that would open it; and no lot can be made one."""
    with pytest.raises(IntegrityError, match="retention_lot_life"), transaction.atomic():
        ledger.give(ann, 10, valid_from=APRIL, expires_at=at(dies))
    lot = ledger.give(ann, 10, valid_from=APRIL, expires_at=at("2026-04-02"))
    with pytest.raises(IntegrityError, match="retention_lot_life"), transaction.atomic():
        Lot.objects.update(expires_at=at(dies))

    assert ledger.lots(ann) == [lot]
    assert ledger.balances(ann) == (0, 10, 0, 0)


def test_lots_for_ever_and_lots_that_wait_are_fine(ann: Account) -> None:
    """What has no beginning yet, or no end, is compared with nothing."""
    ledger.give(ann, 10, expires_at=None)
    ledger.give(ann, 10, valid_from=None)

    assert ledger.balances(ann) == (10, 10, 0, 0)


def test_lots_from_before_are_mended(ann: Account) -> None:
    """They lived at no instant and do so now; their points are breakage when it is time."""
    run(STATEMENTS.DROP)
    ledger.give(ann, 10, valid_from=APRIL, expires_at=at("2026-02-01"))
    whole = ledger.give(ann, 5, expires_at=at("2026-05-01"))

    run(STATEMENTS.ADD, STATEMENTS.MEND, STATEMENTS.VALIDATE)
    run(STATEMENTS.ADD, STATEMENTS.MEND, STATEMENTS.VALIDATE)  # it was killed and runs again

    mended, untouched = ledger.lots(ann)
    assert mended.expires_at == at("2026-04-01 00:00:00.000001")
    assert untouched.expires_at == whole.expires_at
    maturing.mature_due(APRIL)
    expiring.expire_due(at("2026-04-01 00:00:01"))
    assert ledger.balances(ann) == (5, 0, 0, 0)
    assert (breaches(), list(replay())) == ([], [])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT convalidated FROM pg_constraint WHERE conname = 'retention_lot_life'"
        )
        assert cursor.fetchone() == (True,)
