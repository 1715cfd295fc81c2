"""Points come over from another system once, for the right member, or the row says why not."""

from __future__ import annotations

import csv
import os
import threading
import tracemalloc
from collections.abc import Callable
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from saleor_retention.management import progress
from saleor_retention.models import Account, Entry, Lot, Note, Transaction
from saleor_retention.selectors.balances import balance_of
from saleor_retention.selectors.people import Directory
from saleor_retention.selectors.verification import breaches
from saleor_retention.services.ledger.replaying import replay
from saleor_retention.services.membership import members
from saleor_retention.services.moving import importing
from saleor_retention.services.moving.import_files import Rejected, open_reader, read
from saleor_retention.services.moving.importing import Batch, Import
from tests import ledger
from tests.fakes import at
from tests.ledger import Shop
from tests.members import counts_of_rows

pytestmark = pytest.mark.django_db

NOW = at("2026-03-10 12:00")
HEADER = "external_id,email,points,valid_from,expires_at,note"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A program in Paris whose points live a hundred days."""
    return ledger.open_shop(
        monkeypatch, time_zone="Europe/Paris", expiry={"policy": "days", "count": 100}
    )


@pytest.fixture
def opt_in(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A program that customers have to enrol in, with ten points for that."""
    return ledger.open_shop(monkeypatch, enrolment="opt_in", welcome_points=10)


def text_of(*lines: str, header: str = HEADER) -> StringIO:
    """Return a file of these lines."""
    return StringIO("\n".join([header, *lines, ""]))


def brought(
    shop: Shop, *lines: str, header: str = HEADER, applies: bool = True, **options: Any
) -> tuple[Batch, list[Rejected]]:
    """Run an import of these lines; return the sums and what was rejected."""
    work = Import(shop.program, applies=applies, **options)
    total, rejected = Batch(), []
    items = read(open_reader(text_of(*lines, header=header)), work.rules.time_zone)
    for batch in importing.run(work, items, now=NOW):
        total.add(batch)
        rejected += batch.rejected
    return total, rejected


def reasons(shop: Shop, *lines: str, **options: Any) -> list[tuple[int, str]]:
    """Return line and reason of rejected rows; the dry run and the real one say the same."""
    dry = brought(shop, *lines, applies=False, **options)[1]
    real = brought(shop, *lines, **options)[1]
    assert dry == real
    return [(item.line, item.reason) for item in real]


def lot_of(account: Account) -> Lot:
    """Return the member's only lot."""
    return Lot.objects.get(account=account)


# --- what a row becomes ---------------------------------------------------------------------------


def test_a_row_becomes_a_lot_of_its_own(shop: Shop) -> None:
    """Valid at once, alive as long as the program says, with the key and words of the file."""
    ann = shop.member("ann")

    total, rejected = brought(shop, "L-1,ann@example.com,250,,,from the old club")

    made = Transaction.objects.get(account=ann)
    lot = lot_of(ann)
    assert (total.rows, total.booked, total.points, total.known, total.opened) == (1, 1, 250, 0, 0)
    assert rejected == []
    assert (made.kind, made.key, made.rule_key, made.cause) == (
        "grant",
        "import:L-1",
        "import",
        "import",
    )
    assert made.version_id == shop.program.current_version_id
    assert made.note.text == "from the old club"
    assert ledger.balances(ann) == (250, 0, 0, 0)
    assert (lot.opened_at, lot.valid_from) == (NOW, NOW)
    assert lot.expires_at == at("2026-06-18 22:00")  # the end of that day in Paris
    assert ledger.book("issuance") == -250


@pytest.mark.parametrize(
    ("valid_from", "expires_at", "lot"),
    [
        ("", "2026-12-31", (NOW, NOW, at("2026-12-31 23:00"), False)),
        ("", "never", (NOW, NOW, None, False)),
        ("2026-03-01", "", (at("2026-02-28 23:00"),) * 2 + (at("2026-06-09 22:00"), False)),
        ("2026-04-01", "NEVER", (NOW, at("2026-03-31 22:00"), None, True)),
        (
            "2026-04-01T10:00",
            "2026-05-01T00:00:00Z",
            (NOW, at("2026-04-01 08:00"), at("2026-05-01 00:00"), True),
        ),
    ],
)
def test_days_and_times_are_the_programs(
    shop: Shop, valid_from: str, expires_at: str, lot: tuple[Any, ...]
) -> None:
    """The last day counts whole; what is valid later waits; an offset in the file is respected."""
    ann = shop.member("ann")

    brought(shop, f"1,ann@example.com,5,{valid_from},{expires_at},")

    made = lot_of(ann)
    assert (made.opened_at, made.valid_from, made.expires_at, made.is_pending) == lot
    assert ledger.balances(ann) == ((0, 5, 0, 0) if made.is_pending else (5, 0, 0, 0))


def test_waiting_points_become_available_in_time(shop: Shop) -> None:
    """As any other pending lot, and they die at their instant."""
    ann = shop.member("ann")
    brought(shop, "1,ann@example.com,5,2026-04-01,2026-04-30,")

    readings = [
        balance_of(ann, at(instant)).available
        for instant in ("2026-03-31 21:59", "2026-03-31 22:00", "2026-04-30 22:00")
    ]

    assert readings == [0, 5, 0]


def test_points_repay_a_deficit_first(shop: Shop) -> None:
    """What matured before repays before; the rest can be spent."""
    ann = shop.member("ann")
    ledger.owe(ann, 30)
    ledger.give(ann, 20, valid_from=at("2026-03-10 11:00"))

    brought(shop, "1,ann@example.com,100,,,", "2,ann@example.com,1,,,")

    lots = ledger.lots(ann)
    assert ledger.balances(ann) == (91, 0, 0, 0)
    assert [lot.repaid for lot in lots] == [20, 10, 0]
    assert breaches() == []
    assert list(replay()) == []


# --- whose points they are ------------------------------------------------------------------------


def test_members_are_found_by_address_or_number(shop: Shop) -> None:
    """Whatever the case of the address; both together must mean the same user."""
    ann, bob = shop.member("ann"), shop.member("bob")
    header = "external_id,email,user_id,points"

    total, rejected = brought(
        shop,
        "1, ANN@Example.com ,,1",
        f"2,,{ann.user_id},2",
        f"3,ann@example.com,{ann.user_id},4",
        f"4,ann@example.com,{bob.user_id},8",
        ",,,16",
        "6,,ann,32",
        header=header,
    )

    assert ledger.balances(ann) == (7, 0, 0, 0)
    assert ledger.balances(bob) == (0, 0, 0, 0)
    assert total.booked == 3
    assert [(item.line, item.reason) for item in rejected] == [
        (5, "user_id: The e-mail address is that of another user."),
        (6, "email: Neither an e-mail address nor a user_id says whose points these are."),
        (7, 'user_id: "ann" is not the number of a user.'),
    ]


def test_nobody_is_guessed(shop: Shop) -> None:
    """Unknown, not confirmed, and two users who differ in case only."""
    waiting = shop.customer("waiting", is_confirmed=False)
    get_user_model().objects.create(email="Twin@example.com")
    get_user_model().objects.create(email="twin@example.com")

    assert reasons(
        shop,
        "1,nobody@example.com,,1",
        "2,waiting@example.com,,1",
        f"3,,{waiting},1",
        "4,,999999999,1",
        "5,twin@example.com,,1",
        "6,an@example.com,,1",
        header="external_id,email,user_id,points",
    ) == [
        (2, "email: No confirmed user, or more than one, has the address nobody@example.com."),
        (3, "email: No confirmed user, or more than one, has the address waiting@example.com."),
        (4, f"user_id: No confirmed user has the number {waiting}."),
        (5, "user_id: No confirmed user has the number 999999999."),
        (6, "email: No confirmed user, or more than one, has the address twin@example.com."),
        (7, "email: No confirmed user, or more than one, has the address an@example.com."),
    ]
    assert Account.objects.count() == 0


def test_an_address_that_the_shop_spells_in_capitals_is_found(shop: Shop) -> None:
    """As old shops have them."""
    user = get_user_model().objects.create(email="Eve@Example.com")
    shop.host.put_user(str(user.pk), user.email)

    total, _ = brought(shop, "1,eve@example.com,3,,,")

    assert (total.booked, total.opened) == (1, 1)
    assert Account.objects.get(user=user).available == 3


def test_who_has_no_account_gets_one_with_welcome_points(shop: Shop) -> None:
    """Where every customer is a member; two rows of one customer open one account."""
    shop.change_rules({"welcome_points": 10}, at("2026-01-02"))
    shop.customer("ann")
    lines = ["1,ann@example.com,5,,,", "2,ann@example.com,6,,,"]

    dry, _ = brought(shop, *lines, applies=False, batch_size=1)
    total, _ = brought(shop, *lines, batch_size=1)

    assert (dry.booked, dry.points, dry.opened) == (2, 11, 1)
    assert (total.booked, total.points, total.opened) == (2, 11, 1)
    assert ledger.balances(Account.objects.get()) == (21, 0, 0, 0)


def test_who_has_not_enrolled_is_not_made_a_member(opt_in: Shop) -> None:
    """Unless the merchant says so; then with the points that enrolling brings."""
    opt_in.customer("ann")
    line = "1,ann@example.com,5,,,"

    assert reasons(opt_in, line) == [(2, "email: This customer has not enrolled in the program.")]
    assert Account.objects.count() == 0
    assert brought(opt_in, line, enrols=True)[0].opened == 1
    assert ledger.balances(Account.objects.get()) == (15, 0, 0, 0)


def test_who_left_gets_nothing(shop: Shop) -> None:
    """Leaving is respected."""
    ann = shop.member("ann")
    members.leave(shop.program, str(ann.user_id))

    assert reasons(shop, "1,ann@example.com,5,,,") == [
        (2, "email: This customer has left the program.")
    ]
    assert ledger.balances(ann) == (0, 0, 0, 0)


def test_a_program_that_is_off_takes_nothing(shop: Shop) -> None:
    """Nobody can join it."""
    shop.program.is_active = False

    with pytest.raises(importing.Refusal, match='The program "Club" is not active'):
        brought(shop, "1,ann@example.com,5,,,")


# --- what is wrong with a row ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",ann@example.com,5,,,", "external_id: It is empty."),
        ("x@y.z,ann@example.com,5,,,", "external_id: It looks like an e-mail address, and"),
        (f"{'x' * 101},ann@example.com,5,,,", "external_id: It has 100 characters at most."),
        ("1,ann@example.com,,,,", 'points: "" is not a whole number.'),
        ("1,ann@example.com,1.0,,,", 'points: "1.0" is not a whole number.'),
        ('1,ann@example.com,"1,000",,,', 'points: "1,000" is not a whole number.'),
        ("1,ann@example.com,٣,,,", 'points: "٣" is not a whole number.'),
        ("1,ann@example.com,-5,,,", "points: -5 is negative."),
        ("1,ann@example.com,-0,,,", "points: Zero points bring nothing."),
        ("1,ann@example.com,2147483648,,,", "points: 2147483647 is the most that one row"),
        (f"1,ann@example.com,{'9' * 9000},,,", "points: 2147483647 is the most that one row"),
        ("1,ann@example.com,5,soon,,", 'valid_from: "soon" is neither a day (2026-12-31) nor'),
        ("1,ann@example.com,5,,31.12.2026,", 'expires_at: "31.12.2026" is neither a day'),
        ("1,ann@example.com,5,0001-01-01,,", 'valid_from: "0001-01-01" is neither a day'),
        ("1,ann@example.com,5,,9999-12-31,", 'expires_at: "9999-12-31" is neither a day'),
        ("1,ann@example.com,5,2026-05-01,2026-04-01,", "expires_at: The points would expire"),
        ("1,ann@example.com,5,,2026-03-09,", "expires_at: The points expired on 2026-03-09."),
        ("1,ann@example.com,5,2025-01-01,,", "valid_from: By the program's rules the points"),
        (f"1,ann@example.com,5,,,{'x' * 1001}", "note: It has 1000 characters at most."),
        ("1,ann@example.com,5,,,a\0b", "It holds a zero byte."),
        ("1,ann@example.com,5,,,a,b", "It has more cells than there are columns."),
        ("1,ann@example.com", 'points: "" is not a whole number.'),
    ],
)
def test_a_row_that_cannot_be_says_why(shop: Shop, line: str, reason: str) -> None:
    """The column first, then the rule; the rows around it are booked."""
    ann = shop.member("ann")
    around = ["a,ann@example.com,1,,,", line, "b,ann@example.com,2,,,"]

    [(number, said)] = reasons(shop, *around)

    assert number == 3
    assert said.startswith(reason)
    assert ledger.balances(ann) == (3, 0, 0, 0)
    assert Note.objects.count() == 0


def test_a_name_that_stands_there_twice(shop: Shop) -> None:
    """The first row counts; the same again is no fault, something else under its name is."""
    ann = shop.member("ann")
    lines = [
        "1,ann@example.com,5,,,",
        "1,ANN@example.com,5,,,",
        "1,ann@example.com,6,,,",
        "1,bob@example.com,5,,,",
    ]

    assert reasons(shop, *lines, batch_size=2) == [
        (4, "external_id: It stands in line 2 already, with other content."),
        (5, "external_id: It stands in line 2 already, with other content."),
    ]
    assert ledger.balances(ann) == (5, 0, 0, 0)


# --- again, and again -----------------------------------------------------------------------------


def test_a_second_run_books_nothing(shop: Shop) -> None:
    """Also when the points have expired or the customer is gone since: what is booked, is."""
    ann = shop.member("ann")
    lines = ["1,ann@example.com,5,,2026-03-10T13:00Z,", "2,ann@example.com,6,,,"]
    brought(shop, *lines)
    shop.host.people.clear()
    before = counts_of_rows()
    work = Import(shop.program, applies=True)

    later = importing.run(work, read(open_reader(text_of(*lines)), "UTC"), now=at("2027-01-01"))

    assert [(batch.booked, batch.known, batch.rejected) for batch in later] == [(0, 2, [])]
    assert counts_of_rows() == before
    assert ledger.balances(ann) == (11, 0, 0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "1,ann@example.com,6,,,",
        "1,ann@example.com,5,,never,",
        "1,ann@example.com,5,,,other words",
        "1,bob@example.com,5,,,",
        "1,eve@example.com,5,,,",
    ],
)
def test_a_name_that_was_imported_with_other_content(shop: Shop, line: str) -> None:
    """Other points, life, words or member under the same external id."""
    ann, bob = shop.member("ann"), shop.member("bob")
    shop.customer("eve")
    brought(shop, "1,ann@example.com,5,,,")

    assert reasons(shop, line) == [(2, "external_id: It was imported before, with other content.")]
    assert ledger.balances(ann) == (5, 0, 0, 0)
    assert ledger.balances(bob) == (0, 0, 0, 0)


def test_a_run_that_was_killed_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole batches stand, the one that was under way does not; all is booked once in the end."""
    for name in ("ann", "bob"):
        shop.customer(name)
    lines = [f"{n},{'ann' if n % 2 else 'bob'}@example.com,{n},,," for n in range(1, 13)]
    genuine, calls = importing._post_at_once, []

    def killed_before_its_second_commit(*arguments: Any) -> None:
        genuine(*arguments)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(importing, "_post_at_once", killed_before_its_second_commit)
    with pytest.raises(KeyboardInterrupt):
        brought(shop, *lines, batch_size=5)
    monkeypatch.setattr(importing, "_post_at_once", genuine)
    stands = sorted(Transaction.objects.values_list("key", flat=True))

    total, rejected = brought(shop, *lines, batch_size=5)

    assert stands == [f"import:{number}" for number in range(1, 6)]
    assert (total.rows, total.booked, total.known, rejected) == (12, 7, 5, [])
    by_email = {account.user.email: account.available for account in Account.objects.all()}
    assert by_email == {"ann@example.com": 36, "bob@example.com": 42}
    assert breaches() == []


def test_a_row_that_another_run_books_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key decides: the same content is there already, other content is refused."""
    ann = shop.member("ann")
    genuine = importing._booked

    def after_the_other(*arguments: Any) -> Batch:
        monkeypatch.setattr(importing, "_booked", genuine)
        brought(shop, "1,ann@example.com,5,,,", "2,ann@example.com,6,,,")
        return genuine(*arguments)

    monkeypatch.setattr(importing, "_booked", after_the_other)
    total, rejected = brought(
        shop, "1,ann@example.com,5,,,", "2,ann@example.com,7,,,", "3,ann@example.com,8,,,"
    )

    assert (total.booked, total.known, total.points) == (1, 1, 8)
    assert [(item.line, item.reason) for item in rejected] == [
        (3, 'external_id: The key "import:2" was used for another posting.')
    ]
    assert ledger.balances(ann) == (19, 0, 0, 0)


def test_a_batch_at_once_is_what_its_rows_are_one_by_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement for many rows writes what a posting for each row writes, in every column."""
    rows = ["5,,,", "6,2026-04-01,never,waits", "7,2026-03-01,2026-12-31,", "8,,,repays\u00e9"]
    written = []
    for name, poster in (("ann", importing._post_at_once), ("bob", importing._post_one_by_one)):
        member = shop.member(name)
        ledger.owe(member, 10)
        monkeypatch.setattr(importing, "_post_at_once", poster)
        total, rejected = brought(
            shop, *(f"{name}-{n},{name}@example.com,{row}" for n, row in enumerate(rows))
        )
        assert (total.booked, total.known, total.points, rejected) == (4, 0, 26, [])
        written.append(_written(member))

    assert written[0] == written[1]
    assert len(written[0]["entries"]) == 2 + (2 + 2 + 3 + 2)
    assert ledger.balances(Account.objects.get(user__email="ann@example.com")) == (10, 6, 0, 0)
    assert breaches() == []
    assert list(replay()) == []


# --- the size of it -------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    """Not even an account or a note."""
    shop.customer("ann")
    before = counts_of_rows()

    total, _ = brought(shop, "1,ann@example.com,5,,,words", applies=False)

    assert (total.booked, total.points, total.opened) == (1, 5, 1)
    assert counts_of_rows() == before


def test_a_batch_costs_the_same_statements_however_many_rows_it_has(
    shop: Shop, django_assert_num_queries: Callable[..., Any]
) -> None:
    """Twenty rows of known members: nothing is asked or written row by row."""
    for number in range(10):
        shop.member(f"m{number}")
    lines = [f"{n},m{n % 10}@example.com,1,,," for n in range(20)]
    with django_assert_num_queries(4):  # shared addresses, users, accounts, keys
        brought(shop, *lines, applies=False)

    # A savepoint, the members' ids, their locks, the keys that are there, and one for all rows;
    # the audit trail in a savepoint, at the beginning and at the end.
    with django_assert_num_queries(4 + 2 + 1 + 1 + 1 + 1 + 2 * 3):
        brought(shop, *lines)

    with django_assert_num_queries(4):
        brought(shop, *lines)


def test_addresses_that_nobody_has_do_not_read_all_users_each_time(
    shop: Shop, django_assert_num_queries: Callable[..., Any]
) -> None:
    """Those with capitals are read once, at the first such address; then nothing more is asked."""
    shop.customer("Ann")
    lines = [f"{n},nobody{n}@example.com,1,,," for n in range(4)]

    # Rules, shared addresses and capitals once; each batch its users and keys, one an account.
    with django_assert_num_queries(3 + 5 * 2 + 1):
        total, rejected = brought(
            shop, *lines, "4,ann@example.com,1,,,", applies=False, batch_size=1
        )

    assert (total.booked, len(rejected)) == (1, 4)


def test_an_address_that_was_given_up_meanwhile_is_nobodys(shop: Shop) -> None:
    """What was read of capitals at the beginning is held against the user as he is now."""
    ref = shop.customer("Ann")
    directory = Directory()
    before = directory.by_email(["ann@example.com"])
    get_user_model().objects.filter(pk=ref).update(email="Eve@example.com")
    shop.host.put_user(ref, "Eve@example.com")

    assert {address: user.ref for address, user in before.items()} == {"ann@example.com": ref}
    assert directory.by_email(["ann@example.com"]) == {}


def test_memory_does_not_grow_with_the_file(shop: Shop) -> None:
    """Nine thousand rows more cost a small part of their own text: none is kept or gathered.

    Some growth is the collector's own timing: cycles lie until their generation is looked at.
    """
    shop.member("ann")
    note = 200

    def peak(rows: int) -> int:
        lines = (f"{n},ann@example.com,1,,,{'w' * note}\n" for n in range(rows))
        reader = open_reader(_Lines([HEADER + "\n"], lines))  # type: ignore[arg-type]
        work = Import(shop.program, applies=False, batch_size=100)
        tracemalloc.start()
        booked = sum(batch.booked for batch in importing.run(work, read(reader, "UTC"), now=NOW))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert booked == rows
        return size

    peak(200)  # what is loaded once
    assert peak(10_000) - peak(1000) < 9000 * note / 6


# --- the command ----------------------------------------------------------------------------------


def test_the_command_reports_rejected_rows(shop: Shop, tmp_path: Path) -> None:
    """The row as it was, its line and the reason; mended, the report can be imported itself."""
    ann = shop.member("ann")
    file = tmp_path / "old.csv"
    file.write_text("\ufeffexternal_id,email,points\nL1,ann@example.com,5\nL2,ann@example.com,x\n")
    report = tmp_path / "old.csv.rejected.csv"

    dry = _command(file, fails="1 row rejected; ")
    real = _command(file, "--apply", fails="1 row rejected; ")

    assert dry == (
        "Nothing was written (--apply does it). 2 rows read: 1 would be booked "
        "(5 points, 0 new members), 0 booked already, 1 rejected."
    )
    assert real == (
        "2 rows read: 1 booked (5 points, 0 new members), 0 booked already, 1 rejected."
    )
    with report.open(newline="") as rows:
        assert list(csv.DictReader(rows)) == [
            {
                "external_id": "L2",
                "email": "ann@example.com",
                "points": "x",
                "line": "3",
                "reason": 'points: "x" is not a whole number.',
            }
        ]
    report.write_text(report.read_text().replace(",x,", ",7,"))
    again = _command(report, "--apply")
    assert again == "1 row read: 1 booked (7 points, 0 new members), 0 booked already, 0 rejected."
    assert ledger.balances(ann) == (12, 0, 0, 0)


def test_the_report_holds_no_formula(shop: Shop, tmp_path: Path) -> None:
    """A note of the old system is text to a spreadsheet, and comes back as it was."""
    ann = shop.member("ann")
    file = tmp_path / "old.csv"
    rows = ['-1,ann@example.com,x,"=HYPERLINK(""http://x"")"', "L2,ann@example.com,y,'tis"]
    file.write_text("\n".join(["external_id,email,points,note", *rows, ""]))
    report = tmp_path / "old.csv.rejected.csv"

    _command(file, fails="2 rows rejected; ")

    with report.open(newline="") as written:
        cells = [(row["external_id"], row["note"]) for row in csv.DictReader(written)]
    assert cells == [("'-1", '\'=HYPERLINK("http://x")'), ("L2", "'tis")]
    report.write_text(report.read_text().replace(",x,", ",7,").replace(",y,", ",5,"))
    _command(report, "--apply")
    assert ledger.balances(ann) == (12, 0, 0, 0)
    keys = Transaction.objects.order_by("pk").values_list("key", "note__text")
    assert list(keys) == [("import:-1", '=HYPERLINK("http://x")'), ("import:L2", "'tis")]


def _long_file(folder: Path) -> Path:
    """Write seven rows, one of which has a note of three lines, and an empty line."""
    file = folder / "old.csv"
    rows = [*(f"{n},ann@example.com,1," for n in range(6)), "", '6,ann@example.com,1,"a\nb\nc"']
    file.write_text("\n".join(["external_id,email,points,note", *rows]))
    return file


def test_the_command_says_how_far_it_is(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows done and in all, rate and what is left after a batch; the last one is all of it."""
    shop.member("ann")
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 0)
    file, err = _long_file(tmp_path), StringIO()

    call_command("retention_import", str(file), "--program=club", "--batch-size=3", stderr=err)

    lines = err.getvalue().splitlines()
    assert [line.split(", ")[0] for line in lines] == [
        "3 of 7 rows (43 %)",
        "6 of 7 rows (86 %)",
        "7 of 7 rows (100 %)",
    ]
    assert all(" a second, " in line for line in lines)
    assert lines[-1].endswith(" 0 s left")


def test_a_terminal_gets_one_line_with_a_bar(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written over after each batch, with nothing of a longer one left, and ended at the end."""
    shop.member("ann")
    monkeypatch.setattr(progress, "TERMINAL_SECONDS", 0)
    file, err = _long_file(tmp_path), _Terminal()

    call_command("retention_import", str(file), "--program=club", "--batch-size=3", stderr=err)

    lines = err.getvalue().removesuffix("\n").split("\r")
    assert lines[0] == ""
    assert [line[:30] for line in lines[1:]] == [
        "[##########..............] 3 o",
        "[####################....] 6 o",
        "[########################] 7 o",
        "[########################] 7 o",
    ]
    assert all(len(line) >= len(last.rstrip()) for last, line in pairwise(lines))
    assert "\n" not in "".join(lines)


def test_a_terminals_line_ends_with_a_fault(shop: Shop, tmp_path: Path) -> None:
    """What is said next stands on a line of its own, and the bar where the run came to."""
    shop.member("ann")
    file, err = tmp_path / "old.csv", _Terminal()
    file.write_text('external_id,email,points\n1,ann@example.com,1\n2,"a"b,5\n')

    with pytest.raises(CommandError, match="is not CSV in UTF-8"):
        call_command("retention_import", str(file), "--program=club", "--batch-size=1", stderr=err)

    assert err.getvalue().startswith("\r[########################] 1 of 1 rows (100 %)")
    assert err.getvalue().endswith("\n")


def test_a_pipe_is_read_once(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows how many rows it has; all of them are booked."""
    ann = shop.member("ann")
    monkeypatch.setattr(progress, "PROGRESS_SECONDS", 0)
    file, pipe, err = _long_file(tmp_path), tmp_path / "pipe", StringIO()
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(file.read_bytes()), daemon=True)
    writer.start()

    call_command("retention_import", str(pipe), "--program=club", "--apply", stderr=err)

    writer.join()
    assert err.getvalue().startswith("7 rows, ")
    assert ledger.balances(ann) == (7, 0, 0, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The column external_id is missing; the first line names the columns."),
        (b"external_id,email\n", "The column points is missing"),
        (b"external_id,points\n", "The column email or user_id is missing"),
        (b"external_id,email,points,nope\n", 'The column "nope" is unknown.'),
        (b"external_id,email,points,email\n", "The column email stands there twice."),
        (b"external_id,email,points\n1,\xff,5\n", "is not CSV in UTF-8"),
        (b'external_id,email,points\n1,"ann\n', "is not CSV in UTF-8"),
    ],
)
def test_a_file_that_is_no_import(shop: Shop, tmp_path: Path, content: bytes, message: str) -> None:
    """The command says so and writes nothing."""
    file = tmp_path / "old.csv"
    file.write_bytes(content)
    before = counts_of_rows()

    with pytest.raises(CommandError, match=message) as refused:
        call_command("retention_import", str(file), "--program", "club", "--apply")

    assert str(refused.value).endswith("Nothing was written.")
    assert counts_of_rows() == before
    assert shop.program.pk


def test_what_the_command_refuses_at_once(shop: Shop, tmp_path: Path) -> None:
    """No such program or file, a report on top of the file, a batch of nothing."""
    file = tmp_path / "old.csv"
    file.write_text("external_id,email,points\n")

    _command(file, "--program=nope", fails='There is no program "nope"')
    _command(file, f"--report={file}", fails="The report would overwrite the file")
    _command(file, "--batch-size=0", fails="--batch-size must be one or more")
    _command(tmp_path / "none.csv", fails="none.csv: No such file or directory")
    assert file.read_text() == "external_id,email,points\n"
    assert Entry.objects.count() == 0
    assert shop.program.pk


class _Terminal(StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


class _Lines:
    """Lines that come one by one, as from a file."""

    def __init__(self, *parts: Any) -> None:
        self._lines = (line for part in parts for line in part)

    def __iter__(self) -> Any:
        return self._lines


def _written(account: Account) -> dict[str, Any]:
    """Return all that the ledger has of a member, without what names the rows."""
    account.refresh_from_db()
    names = ("id", "account_id", "key", "content_hash", "note_id", "transaction_id", "lot_id")

    def plain(rows: Any) -> list[dict[str, Any]]:
        return [{key: row[key] for key in row if key not in names} for row in rows]

    made = Transaction.objects.filter(account=account).order_by("pk")
    entries = Entry.objects.filter(transaction__account=account)
    ordered = entries.order_by("transaction_id", "book").select_related("lot")
    return {
        "transactions": plain(made.values()),
        "notes": list(made.values_list("note__text", "note__redacted_at")),
        "entries": [
            (
                entry.book,
                entry.points,
                entry.account_id == account.pk,
                entry.lot and entry.lot.granted,
            )
            for entry in ordered
        ],
        "lots": plain(Lot.objects.filter(account=account).order_by("pk").values()),
        "balances": ledger.balances(account),
        "active": account.last_activity_at,
    }


def _command(file: Path, *options: str, fails: str = "") -> str:
    """Run the command on a file and return its last line."""
    out = StringIO()
    arguments = [str(file), "--program=club", *options]
    if not fails:
        call_command("retention_import", *arguments, stdout=out)
    else:
        with pytest.raises(CommandError, match=fails):
            call_command("retention_import", *arguments, stdout=out)
    return out.getvalue().strip()
