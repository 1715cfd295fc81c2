"""The printed report: what it gathers, what it says, and that it needs nothing but itself."""

from __future__ import annotations

import csv
import datetime as dt
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from saleor_retention.engine.liability import Movement
from saleor_retention.engine.segments.bands import Band, Limits, band_of
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import (
    Campaign,
    CampaignVersion,
    CustomerRollup,
    Dispatch,
    Entry,
    ExperimentSubject,
    OrderRecord,
    Program,
)
from saleor_retention.reporting import charts
from saleor_retention.reporting.building import page_of
from saleor_retention.reporting.page import rendered
from saleor_retention.reporting.sheets import Sheet
from saleor_retention.selectors.report import Facts, Group, bands, facts
from saleor_retention.selectors.verification import breaches
from sandbox import two_years
from tests import ledger
from tests.fakes import at, use
from tests.ledger import Shop

pytestmark = pytest.mark.django_db

END = dt.date(2026, 1, 1)
NOW = at("2026-01-01 09:00")
FIRST, LAST = dt.date(2024, 1, 2), dt.date(2025, 12, 31)
SECTIONS = [
    *("summary", "repurchase", "novelty", "cohorts", "seconds"),
    *("segments", "tiers", "owed", "costs", "before-after", "experiments"),
]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    """The two years of 250 customers."""
    use(monkeypatch)
    return two_years.write(two_years.drawn(END, customers=250))


def gathered(program: Program, **more: int) -> Facts:
    """Return what is told of the two years."""
    return facts(program, first_day=FIRST, last_day=LAST, now=NOW, **more)


class Outline(HTMLParser):
    """The elements of a page, the addresses in it, and the cells of its tables."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.sections: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.charts: list[str] = []
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element down."""
        given = dict(attrs)
        self.tags.add(tag)
        self.tables += tag == "table"
        if tag == "section":
            self.sections.append(given["id"] or "")
        if tag == "svg":
            self.charts.append(given["aria-label"] or "")
        self.addresses += [
            value or ""
            for name, value in attrs
            if name in {"href", "src", "xlink:href"} and not (value or "").startswith("#")
        ]


def outline(text: str) -> Outline:
    """Read a page."""
    found = Outline()
    found.feed(text)
    return found


def test_the_history_is_the_same_every_time() -> None:
    """By seed, size and day; another seed draws another one."""
    first = two_years.drawn(END, customers=50)

    assert first == two_years.drawn(END, customers=50)
    assert first != two_years.drawn(END, customers=50, seed=1)
    assert (first.start, first.launch) == (FIRST, dt.date(2025, 1, 1))
    days = {purchase.at.date() for buyer in first.buyers for purchase in buyer.purchases}
    assert FIRST <= min(days) < max(days) <= LAST


def test_the_history_is_one_that_the_ledger_could_have_made(program: Program) -> None:
    """No invariant is broken, and everything that the report tells of has happened."""
    assert breaches(program, reads_orders=False) == []

    kinds = set(Entry.objects.values_list("transaction__kind", flat=True))
    assert kinds == {"earn", "hold", "capture", "expire"}


def test_facts_agree_with_each_other_and_with_the_rows(program: Program) -> None:
    """Sums over months are those of the span; points used are those that orders redeemed."""
    found = gathered(program, acquisition_minor=2500)

    total = found.periods.total
    assert total.orders == OrderRecord.objects.filter(program=program).count() > 400
    assert sum(row.figures.orders for row in found.periods.rows) == total.orders
    assert len(found.periods.rows) == 24
    assert found.liability.breaches() == []
    redeemed = sum(OrderRecord.objects.values_list("redeemed", flat=True))
    assert found.redeemed_points == redeemed > 0
    assert found.costs is not None
    assert found.costs.redeemed_minor == 5 * redeemed
    assert found.costs.discount_minor == sum(offer.discount_minor for offer in found.offers) > 0
    assert found.costs.acquired_minor == 2500 * total.new_orders == 2500 * 250
    assert sum(group.customers for group in found.bands.values()) == 250
    assert sum(count for _name, count in found.tiers) > 0
    assert found.comparison is not None
    assert found.comparison.before.figures.orders + found.comparison.after.figures.orders == (
        total.orders
    )
    movements = [period.movements for period in found.liability.ledger.periods]
    assert sum(each.get(Movement.EXPIRED, 0) for each in movements) < 0


def test_an_experiment_is_told_with_its_interval(program: Program) -> None:
    """Everybody who had joined is on one side; nothing was done, and nothing is claimed.

    Every third customer is held out here: by chance there may be too few, or a difference.
    """
    for number, subject in enumerate(ExperimentSubject.objects.order_by("account_id")):
        subject.arm = "treated" if number % 3 else "held_out"
        subject.save()
    found = gathered(program)
    begun = dt.datetime.combine(END, dt.time(), dt.UTC) - dt.timedelta(days=182)
    joined = program.accounts.filter(joined_at__lt=begun).count()

    (tried,) = found.experiments
    section = page_of(found).sections[-1]

    assert tried.outcome.treated.customers + tried.outcome.held_out.customers == joined
    assert tried.outcome.waiting == 0
    assert "No difference is shown: " in section.sentences[0]
    assert [row[0] for row in section.tables[0].rows] == [
        "Autumn mail, with it",
        "Autumn mail, without it",
        "Autumn mail, difference",
    ]


def test_bands_agree_with_their_definition(program: Program) -> None:
    """From the rollups, each customer in the narrowest band."""
    today = NOW.date()
    expected = dict.fromkeys(Band, Group())
    for row in CustomerRollup.objects.filter(program=program):
        band = band_of(row.last_on, today, Limits())
        so_far = expected[band]
        expected[band] = Group(
            so_far.customers + 1, so_far.orders + row.orders, so_far.spend_minor + row.spend_minor
        )

    assert bands(program, NOW) == expected
    assert all(group.customers for group in expected.values())


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_the_page_holds_everything_and_needs_nothing(program: Program, language: str) -> None:
    """All sections, a table with each chart, no script, no address, nothing left untranslated."""
    with translation.override(language):
        page = page_of(gathered(program, acquisition_minor=2500))
        text = rendered(page)

    found = outline(text)
    assert found.sections == SECTIONS
    assert len(found.charts) == 10
    assert all(found.charts)
    assert found.tables >= 10
    assert all(section.tables for section in page.sections if section.chart)
    assert found.addresses == []
    assert not found.tags & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", text)
    if language != "en":
        said = " ".join(
            [section.title for section in page.sections]
            + [note for section in page.sections for note in section.notes]
            + [cell for section in page.sections for table in section.tables for cell in table.head]
        )
        assert re.findall(r"[A-Za-z]{4,}", said) == []


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_campaigns_stand_in_the_page(program: Program, language: str) -> None:
    """What they gave, the orders put down to them, and within which window."""
    campaign = Campaign.objects.create(
        program=program, slug="hello", name="Hello", secret="00", created_at=NOW
    )
    version = CampaignVersion.objects.create(
        campaign=campaign, number=1, document={}, created_at=NOW
    )
    record = OrderRecord.objects.filter(program=program, account__isnull=False).latest("created_at")
    Dispatch.objects.create(
        campaign=campaign,
        version=version,
        account=record.account,
        cycle="once",
        state="sent",
        not_before=record.created_at,
        useful_until=NOW,
        planned_at=record.created_at,
        sending_at=record.created_at,
    )

    found = gathered(program, window_days=1)
    with translation.override(language):
        sections = {section.key: section for section in page_of(found).sections}

    table = sections["costs"].tables[-1]
    shown = ["Hello", "1", *("0",) * 5, "0.00 USD", "1", "1"]
    assert list(table.rows[0][:-1]) == shown
    if language == "en":
        assert "at most 1 day before it" in sections["costs"].notes[-1]
    else:
        assert re.findall(r"[A-Za-z]{4,}", " ".join([*table.head, *sections["costs"].notes])) == []


def test_the_same_facts_make_the_same_page(program: Program) -> None:
    """No drawing has anything by chance in it."""
    found = gathered(program)

    assert rendered(page_of(found)) == rendered(page_of(found))


def test_names_are_shown_as_they_are_typed(program: Program) -> None:
    """Markup in a name stays text, in tables and in drawings."""
    nasty = "<script>alert(1)</script>&"
    Program.objects.filter(pk=program.pk).update(name=nasty)
    program.segments.update(name=nasty)
    program.refresh_from_db()

    text = rendered(page_of(gathered(program)))

    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in text
    assert "<script" not in charts.rows(nasty, [nasty], {nasty: [1]})


def test_wide_letters_have_room_beside_their_bars() -> None:
    """Seven of them are as wide as they are high; seven narrow ones take three fifths of that."""

    def left(label: str) -> float:
        drawn = charts.rows("Costs", [label], {"USD": [1]})
        found = re.search(r"translate\(([\d.]+)", drawn)
        assert found is not None
        return float(found[1])

    assert left("回頭客訂單營收") - left("revenue") == 37


def test_a_program_without_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No order, no member, no tier: a page all the same, which says so."""
    shop: Shop = ledger.open_shop(monkeypatch)

    page = page_of(facts(shop.program, first_day=FIRST, last_day=FIRST, now=NOW))

    assert page.sections[0].sentences == [
        "Nobody ordered in this time.",
        "Members hold 0 points, worth 0.00 USD.",
    ]
    assert "tiers" not in [section.key for section in page.sections]
    assert outline(rendered(page)).tables


def test_too_many_months_are_refused(program: Program) -> None:
    """A page has room for three years."""
    with pytest.raises(Refusal) as refusal:
        facts(program, first_day=dt.date(2022, 12, 31), last_day=LAST, now=NOW)

    assert refusal.value.code is Code.LIMIT_REACHED
    assert refusal.value.message == "A report is about 36 months at most, and these are 37."


@pytest.mark.usefixtures("program")
def test_the_command_writes_the_page(tmp_path: Path) -> None:
    """In the language asked for, with the merchant's own figure."""
    target = tmp_path / "report.html"

    call_command(
        "retention_report",
        *("--program", "club", "--since", "2024-01-02", "--until", "2025-12-31"),
        *("--acquisition-cost", "25.00", "--language", "zh-hant", "--output", str(target)),
        *("--csv", str(tmp_path)),
    )

    text = target.read_text(encoding="utf-8")
    assert '<html lang="zh-Hant">' in text
    assert "25.00 USD" in text
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.html",
        *(f"{sheet.value}.csv" for sheet in Sheet),
    }
    with (tmp_path / "costs.csv").open(newline="", encoding="utf-8") as file:
        (costs,) = csv.DictReader(file)
    assert costs["acquisition_cost"] == "25.00"
    assert Decimal(costs["acquired"]) == 25 * int(costs["new_orders"]) == 25 * 250
    parts = ("redeemed", "discounts", "tier_prices", "coupons")
    assert Decimal(costs["total"]) == sum(Decimal(costs[part]) for part in parts)


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--program", "none"), 'There is no program "none" with rules.'),
        (("--acquisition-cost", "1.005"), "--acquisition-cost: 1.005 has more than 2 decimals."),
        (("--until", "2020-01-01"), "The last day lies before the first one."),
        (("--window-days", "0"), "Orders count from 1 to 365 days after a message."),
        (("--csv", "/nowhere"), "--csv: there is no folder /nowhere."),
    ],
)
def test_the_command_refuses_and_writes_nothing(
    tmp_path: Path, wrong: tuple[str, str], message: str
) -> None:
    """Programs and folders that are not there, no amount, days in the wrong order, no window."""
    target = tmp_path / "report.html"
    asked = {"--program": "club", "--since": "2025-01-01", "--until": "2025-12-31"}
    arguments = [part for pair in {**asked, **dict([wrong])}.items() for part in pair]

    with pytest.raises(CommandError) as error:
        call_command("retention_report", *arguments, "--output", str(target))

    assert str(error.value) == message
    assert not target.exists()
