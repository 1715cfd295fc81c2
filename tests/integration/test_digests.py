"""The past of the ledger is sealed day by day; whoever changes it is found, and the day named."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import override_settings

from saleor_retention.models import Account, LedgerDigest, Note, Transaction
from saleor_retention.selectors import digests, persons
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger import digesting, granting
from saleor_retention.services.membership import erasing
from tests import ledger
from tests.fakes import at

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "explanation" / "tamper-evidence.md"
NOW = at("2026-03-06 12:00")
FOR_EVER = 1_000_000
"""Hours within which no day has to be sealed, for commands that look at the clock."""
DAYS = [dt.date(2026, 3, day) for day in (1, 2, 3, 4, 5)]


@pytest.fixture
def ann(monkeypatch: pytest.MonkeyPatch) -> Account:
    """A member with postings on the first, second (at its last microsecond) and fourth of March."""
    shop = ledger.open_shop(monkeypatch)
    member = shop.member("ann", now=at("2026-03-01 08:00"))
    grant(member, 100, "2026-03-01 23:59:59")
    grant(member, 200, "2026-03-02 23:59:59.999999")
    grant(member, 300, "2026-03-04 00:00:00", reason='Ann\'s "naïve" idea\nwas 5 % good\\')
    return member


def grant(member: Account, points: int, when: str, reason: str = "A test") -> None:
    """Grant points, with a key that has to be quoted in the canonical text."""
    moment = dt.datetime.fromisoformat(when).replace(tzinfo=dt.UTC)
    granting.grant(
        account_id=member.pk,
        points=points,
        reason=reason,
        actor_ref="user:1",
        key=f'né "{points}"\n',
        now=moment,
    )


def behind(*statements: str) -> None:
    """Run statements with every trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")


def said(since: dt.date | None = None) -> list[tuple[dt.date, str]]:
    """Return what a check finds."""
    found = digests.verify(since, NOW).differences
    return [(difference.day, difference.message) for difference in found]


def test_each_day_is_sealed_once_and_chained(ann: Account) -> None:
    """Also days without a posting; sealing again changes nothing."""
    assert digesting.seal_due(NOW) == 5
    rows = list(LedgerDigest.objects.order_by("day"))
    assert digesting.seal_due(NOW) == 0

    assert [row.day for row in rows] == DAYS
    assert [(row.transactions, row.entries) for row in rows] == [
        (1, 2),
        (1, 2),
        (0, 0),
        (1, 2),
        (0, 0),
    ]
    assert [row.previous for row in rows] == ["0" * 64, *[row.head for row in rows[:-1]]]
    assert list(LedgerDigest.objects.order_by("day")) == rows
    assert said() == []
    assert ann.pk


@pytest.mark.usefixtures("ann")
def test_only_days_that_are_surely_over_are_sealed() -> None:
    """A posting may be committed hours after its date; the margin is a setting."""
    assert digesting.seal_due(at("2026-03-02 05:59")) == 0
    assert digesting.seal_due(at("2026-03-02 06:00")) == 1
    with override_settings(RETENTION_DIGEST_MARGIN_HOURS=48):
        assert digesting.seal_due(at("2026-03-04 23:59")) == 0
        assert digesting.seal_due(at("2026-03-05 00:00")) == 1

    assert [row.day for row in LedgerDigest.objects.order_by("day")] == DAYS[:2]


@pytest.mark.usefixtures("ann")
def test_missed_days_are_caught_up_in_batches() -> None:
    """A limit per batch; the next goes on where the one before ended."""
    assert digesting.seal_due(NOW, limit=2) == 2
    assert digesting.seal_due(NOW, limit=2) == 2
    assert digesting.seal_due(NOW, limit=2) == 1
    heads = list(LedgerDigest.objects.order_by("day").values_list("head", flat=True))
    behind("DELETE FROM saleor_retention_ledgerdigest")

    assert digesting.seal_due(NOW) == 5
    assert list(LedgerDigest.objects.order_by("day").values_list("head", flat=True)) == heads


@pytest.mark.usefixtures("ann")
def test_digests_that_are_gone_from_the_end_are_missed() -> None:
    """Two days may wait for the daily task, a third may not; nor may all be gone."""
    message = (
        "No day from here on is sealed: the task seal-days did not run, or digests are gone "
        "from the end."
    )
    digesting.seal_due(NOW)
    found = []
    for _ in range(3):
        behind(
            "DELETE FROM saleor_retention_ledgerdigest WHERE day ="
            " (SELECT max(day) FROM saleor_retention_ledgerdigest)"
        )
        found.append((said(), said(DAYS[4])))
    behind("DELETE FROM saleor_retention_ledgerdigest")
    found.append((said(), said(DAYS[4])))

    third, first = [(DAYS[2], message)], [(DAYS[0], message)]
    assert found == [([], []), ([], []), (third, third), (first, first)]


def test_there_is_nothing_to_seal_in_an_empty_shop() -> None:
    """No posting, no day."""
    assert digesting.seal_due(NOW) == 0
    assert not LedgerDigest.objects.exists()


@pytest.mark.usefixtures("ann")
def test_anybody_can_compute_a_digest() -> None:
    """The statement in the documentation and SHA-256 give the same head as the task."""
    digesting.seal_due(NOW)
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    statement = next(block for block in blocks if "json_build_array" in block)
    previous = "0" * 64
    for row in LedgerDigest.objects.order_by("day"):
        filled = statement.replace(":'day'", f"'{row.day}'").rstrip().rstrip(";")
        with connection.cursor() as cursor:
            cursor.execute(filled.replace("%", "%%"), [])
            lines = [line for (line,) in cursor.fetchall()]
        text = "".join(
            f"{line}\n" for line in [f"saleor-retention digest 1 {row.day} {previous}", *lines]
        )
        previous = hashlib.sha256(text.encode()).hexdigest()

        assert row.head == previous
        assert len(lines) == row.transactions + row.entries


MANY = "1 transaction and 2 entries"
CHANGED = f"Its {MANY} are as many as were sealed, and something in them was changed."


@pytest.mark.parametrize(
    ("statement", "day", "message"),
    [
        (
            "UPDATE saleor_retention_entry SET points = points * 2 WHERE points IN (200, -200)",
            2,
            CHANGED,
        ),
        (
            "UPDATE saleor_retention_transaction SET actor_ref = 'user:2' WHERE key LIKE '%200%'",
            2,
            CHANGED,
        ),
        (
            (
                "UPDATE saleor_retention_transaction SET effective_at = effective_at + "
                "interval '1 microsecond' WHERE key LIKE '%300%'"
            ),
            4,
            CHANGED,
        ),
        (
            "DELETE FROM saleor_retention_entry WHERE points = -100",
            1,
            f"{MANY} were sealed, and 1 transaction and 1 entry are there.",
        ),
        (
            (
                "WITH gone AS (DELETE FROM saleor_retention_transaction WHERE key LIKE '%300%' "
                "RETURNING id) DELETE FROM saleor_retention_entry "
                "WHERE transaction_id IN (SELECT id FROM gone)"
            ),
            4,
            f"{MANY} were sealed, and 0 transactions and 0 entries are there.",
        ),
        (
            (
                "INSERT INTO saleor_retention_entry (transaction_id, book, points) "
                "SELECT id, 'issuance', 5 FROM saleor_retention_transaction WHERE key LIKE '%200%'"
            ),
            2,
            f"{MANY} were sealed, and 1 transaction and 3 entries are there.",
        ),
        (
            (
                "INSERT INTO saleor_retention_transaction (program_id, account_id, kind, key, "
                "content_hash, recorded_at, effective_at, order_ref, rule_key, cause, actor_ref) "
                "SELECT program_id, account_id, kind, 'x', '', '2026-03-03 10:00Z', effective_at, "
                "'', '', '', '' FROM saleor_retention_transaction LIMIT 1"
            ),
            3,
            "0 transactions and 0 entries were sealed, and 1 transaction and 0 entries are there.",
        ),
        (
            (
                "UPDATE saleor_retention_transaction SET recorded_at = '2026-02-01 10:00Z' "
                "WHERE key LIKE '%100%'"
            ),
            1,
            f"{MANY} were sealed, and 0 transactions and 0 entries are there.",
        ),
        (
            (
                "UPDATE saleor_retention_ledgerdigest SET head = repeat('0', 64) "
                "WHERE day = '2026-03-05'"
            ),
            5,
            (
                "Its 0 transactions and 0 entries are as many as were sealed, and something in "
                "them was changed."
            ),
        ),
        (
            "DELETE FROM saleor_retention_ledgerdigest WHERE day = '2026-03-03'",
            4,
            "The days after 2026-03-02 are not sealed: their digests are gone.",
        ),
        (
            "DELETE FROM saleor_retention_ledgerdigest WHERE day = '2026-03-01'",
            2,
            "It is chained to a day before it, and there is none: digests are gone.",
        ),
    ],
)
@pytest.mark.usefixtures("ann")
def test_what_is_done_behind_the_triggers_is_found(statement: str, day: int, message: str) -> None:
    """Changed, removed, added: the day is named, and what differs."""
    digesting.seal_due(NOW)
    assert said() == []

    behind(statement)

    assert (dt.date(2026, 3, day), message) in said()


@pytest.mark.usefixtures("ann")
def test_a_digest_made_anew_for_a_changed_day_does_not_fit_the_chain() -> None:
    """Only the whole chain could be made anew, and then the head that was kept says so."""
    digesting.seal_due(NOW)
    kept = LedgerDigest.objects.get(day=DAYS[3]).head
    behind("UPDATE saleor_retention_entry SET points = points * 2 WHERE points IN (200, -200)")
    previous = LedgerDigest.objects.get(day=DAYS[0]).head
    forged = digests.digest_of(DAYS[1], previous).head
    behind(f"UPDATE saleor_retention_ledgerdigest SET head = '{forged}' WHERE day = '2026-03-02'")

    assert [day for day, _ in said()] == [DAYS[2]]
    behind("DELETE FROM saleor_retention_ledgerdigest")
    digesting.seal_due(NOW)
    assert said() == []
    with (
        override_settings(RETENTION_DIGEST_MARGIN_HOURS=FOR_EVER),
        pytest.raises(CommandError, match="No day has the head that was kept"),
    ):
        run("--expect", kept)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE saleor_retention_ledgerdigest SET head = head",
        "DELETE FROM saleor_retention_ledgerdigest",
        "TRUNCATE saleor_retention_ledgerdigest",
    ],
)
@pytest.mark.usefixtures("ann")
def test_digests_are_append_only(statement: str) -> None:
    """Refused by the database."""
    digesting.seal_due(NOW)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run_sql(statement)

    assert LedgerDigest.objects.count() == 5


def test_an_erased_member_leaves_the_past_as_it_was(ann: Account) -> None:
    """Words go, and no digest changes."""
    digesting.seal_due(NOW)
    heads = digests.verify(now=NOW).heads

    erasing.erase(persons.of_account(ann), reason="Asked for", actor_ref="user:1", now=NOW)

    assert digests.verify(now=NOW) == digests.Verified(heads, ())
    assert breaches() == []
    assert set(Note.objects.values_list("text", flat=True)) == {"", "Asked for"}
    assert digesting.seal_due(at("2026-03-07 06:00")) == 1
    assert LedgerDigest.objects.get(day=dt.date(2026, 3, 6)).transactions == 1
    assert said() == []


def run_sql(statement: str) -> None:
    """Execute a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def run(*arguments: str) -> list[str]:
    """Run the command and return its lines."""
    out = StringIO()
    call_command("retention_digest", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.usefixtures("ann")
def test_the_command_prints_heads_and_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealing on request, all days or since one; a kept head names its day."""
    monkeypatch.setattr(digesting.timezone, "now", lambda: NOW)
    assert run() == ["No day is sealed."]
    heads = run("--seal")

    rows = list(LedgerDigest.objects.order_by("day"))
    assert heads == [f"{row.day} {row.head}" for row in rows]
    assert run("--verify")[-1] == "5 days hold."
    assert run("--since", "2026-03-04") == [*heads[3:], "2 days hold."]
    assert run("--expect", rows[2].head)[-1] == "The head that was kept is that of 2026-03-03."
    for wrong in (("--since", "yesterday"), ("--since", "2026-02-30"), ("--expect", "abc")):
        with pytest.raises(CommandError):
            run(*wrong)
    behind("UPDATE saleor_retention_entry SET points = points * 2 WHERE points IN (200, -200)")
    assert run("--since", "2026-03-03")[-1] == "3 days hold."
    with pytest.raises(CommandError, match=r"^1 day is not as sealed; the first is 2026-03-02\.$"):
        run("--verify")


@pytest.mark.usefixtures("ann")
def test_verifying_the_ledger_includes_its_past(settings: Any) -> None:
    """The last days unless all are asked for."""
    digesting.seal_due(NOW)
    settings.RETENTION_DIGEST_VERIFY_DAYS = 3
    settings.RETENTION_DIGEST_MARGIN_HOURS = FOR_EVER
    out = StringIO()
    call_command("retention_verify", stdout=out)
    assert out.getvalue().splitlines()[-1] == (
        "Its past holds: the digests of 3 days, 2026-03-03 to 2026-03-05. "
        "2 older days were not computed again; --all-days does."
    )
    call_command("retention_verify", "--all-days", stdout=out)
    assert out.getvalue().splitlines()[-1].endswith(" to 2026-03-05.")
    behind("UPDATE saleor_retention_transaction SET cause = 'x' WHERE key LIKE '%200%'")
    call_command("retention_verify", stdout=out)

    with pytest.raises(CommandError, match=r"^The past was changed, from 2026-03-02 on\.$"):
        call_command("retention_verify", "--all-days", stdout=out)

    assert out.getvalue().splitlines()[-1] == f"digest of 2026-03-02: {CHANGED}"
    assert Transaction.objects.filter(cause="x").count() == 1
