"""What has to be true after all stories of a run; named so that it comes last."""

from __future__ import annotations

import re

import pytest

from tests.acceptance import server
from tests.acceptance.shop import Shop
from tests.checked_quotes import PROVED, noted_in

pytestmark = pytest.mark.saleor3


def test_the_ledger_is_sound(shop: Shop) -> None:
    """Every invariant holds over what the stories did, and nothing is unsettled."""
    shop.run_task("saleor_retention.tasks.reconcile")

    answer = shop.owner.ask(
        "query { retentionVerify { isSound breaches { invariant subject message } } }"
    )

    assert answer["retentionVerify"] == {"isSound": True, "breaches": []}


def test_the_writer_was_never_used_unasked(shop: Shop) -> None:
    """No statement of ours went to the writing database outside Saleor's permission to write."""
    log = server.log_of("writer")
    lines = log.read_text().splitlines() if log.exists() else []
    statements = "\n".join(lines).split("Unsafe access to the writer DB detected.")[1:]

    assert [text for text in statements if _is_ours(text)] == []
    assert shop.processes.server.poll() is None


def _is_ours(statement: str) -> bool:
    """Tell whether we asked for a statement, rather than Saleor below a function that we wrap."""
    frames = re.findall(r'File "([^"]+)"', statement)
    askers = [name for name in frames if "site-packages" not in name and "/core/db/" not in name]
    return "/saleor_retention/" in askers[-1]


def test_every_quote_was_proved(shop: Shop) -> None:
    """The separate checker agreed with each price of a cart that the server searched."""
    assert shop.processes.server.poll() is None

    found = noted_in(server.log_of("quotes"))

    assert [line for line in found if line != PROVED] == []


def test_no_fault_was_logged(shop: Shop) -> None:
    """Nothing of ours went wrong behind the answers."""
    log = server.tail(shop.processes.log, 1_000_000)

    faults = [line for line in log.splitlines() if " ERROR saleor_retention" in line]

    assert faults == []
