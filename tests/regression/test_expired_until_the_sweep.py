"""Points can be spent after their expiry, until a job has removed them.

A complaint about programs that subtract expired points by a nightly or hourly job; one telling is
Kademi/kademi-dev issue 1411, where points that had been let expire were "still Available" and the
answer was that the process runs only now and then.
"""

from __future__ import annotations

import pytest

from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Account
from saleor_retention.selectors.balances import Balance, balance_of, lots_of
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.checkout import redeeming
from saleor_retention.services.ledger import expiring
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

MIDNIGHT = at("2026-04-01 00:00")
LATE = at("2026-04-03 09:00")


def test_points_are_gone_at_their_instant_without_any_job(shop: Shop, ann: Account) -> None:
    """Given no job has run: shown until the last instant, then neither shown nor spent."""
    ledger.give(ann, 3000, expires_at=MIDNIGHT)
    shop.host.put_checkout("cart", 5000, user_ref=str(ann.user_id))

    assert balance_of(ann, at("2026-03-31 23:59:59.999999")) == Balance(available=3000)
    assert balance_of(ann, MIDNIGHT) == Balance()
    assert lots_of([ann.pk], MIDNIGHT) == {}
    with pytest.raises(Refusal) as caught:
        redeeming.set_redemption(
            checkout_ref="cart", user_ref=str(ann.user_id), points=1, now=MIDNIGHT
        )
    assert caught.value.code == Code.NOT_ENOUGH_POINTS
    assert caught.value.message == "1 points were asked for and 0 are left."


def test_the_late_job_changes_nothing_that_is_seen(shop: Shop, ann: Account) -> None:
    """Given the job is two days late, it is dated at the instant and nobody sees a difference."""
    assert shop.program.is_active
    ledger.give(ann, 3000, expires_at=MIDNIGHT)
    ledger.give(ann, 5)
    before = balance_of(ann, LATE)
    expiring.expire_due(LATE)

    assert balance_of(ann, LATE) == before == Balance(available=5)
    (posted,) = ann.transactions.filter(kind="expire")
    assert (posted.effective_at, posted.recorded_at) == (MIDNIGHT, LATE)
    assert breaches() == []
