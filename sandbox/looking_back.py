"""The scene of the report: two years of customers, drawn by lot when the shop was stocked.

Nothing was done for these customers: an effect that the report showed of anything would be chance.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from sandbox import backroom, paths, two_years
from sandbox.consenting import ready
from sandbox.errands import Shop
from sandbox.seed import HISTORY as SLUG
from sandbox.telling import Teller
from sandbox.two_years import Plan, Purchase

ACQUISITION = "25.00"
CENT = Decimal("0.01")


def looking_back(teller: Teller, shop: Shop) -> None:
    """Ask for the measures of the history, and print the page."""
    many = f"{two_years.CUSTOMERS:,}"
    teller.scene(f"Two years of {many} customers, drawn by lot, and the report that a shop prints")
    plan = backroom.history(SLUG)
    programs = teller.ask(shop.staff, ready("staff/programs"))["retentionPrograms"]["edges"]
    (program_id,) = [edge["node"]["id"] for edge in programs if edge["node"]["slug"] == SLUG]
    total = teller.ask(
        shop.staff,
        ready("staff/measures"),
        programId=program_id,
        since=plan.start.isoformat(),
        until=plan.last_day.isoformat(),
    )["retentionMeasures"]["total"]
    sums = Sums(plan)
    teller.see("customers who ordered", total["customers"], sums.customers)
    teller.see("orders", total["orders"], sums.orders)
    teller.see("of customers who came back", total["returningOrders"], sums.returning_orders)
    teller.see("revenue", total["revenue"]["amount"], sums.revenue)
    teller.see("repurchase rate", Decimal(str(total["repurchaseRate"])), sums.repurchase_rate(6))
    _print(teller, plan, sums)


class Sums:
    """What the drawn purchases add up to, each customer's first one being new."""

    def __init__(self, plan: Plan) -> None:
        """Add up."""
        bought = [buyer.purchases for buyer in plan.buyers if buyer.purchases]
        self.customers = len(bought)
        self.orders = sum(len(purchases) for purchases in bought)
        self.returning = sum(1 for purchases in bought if len(purchases) > 1)
        self.returning_orders = self.orders - self.customers
        self.revenue = Decimal(sum(each.minor for each in _all(plan))) / 100

    def repurchase_rate(self, places: int) -> Decimal:
        """Return the share of customers with a second order, a half rounded up."""
        rate = Decimal(self.returning) / self.customers
        return rate.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    def row(self) -> list[str]:
        """Return the last line of the report's first table."""
        return [
            "all together",
            f"{self.customers:,}",
            f"{self.returning:,}",
            f"{self.repurchase_rate(3) * 100:.1f} %",
            f"{(self.revenue / self.orders).quantize(CENT, ROUND_HALF_UP):,} USD",
            f"{(Decimal(self.orders) / self.customers).quantize(CENT, ROUND_HALF_UP):,}",
        ]


def _all(plan: Plan) -> Iterator[Purchase]:
    for buyer in plan.buyers:
        yield from buyer.purchases


def _print(teller: Teller, plan: Plan, sums: Sums) -> None:
    """Write the page, and read it as a person would."""
    days = ("--since", plan.start.isoformat(), "--until", plan.last_day.isoformat())
    where = paths.REPORT.relative_to(paths.ROOT)
    teller.note(f"retention_report --program {SLUG} {' '.join(days)} --output {where}")
    more = ("--acquisition-cost", ACQUISITION, "--output", str(paths.REPORT))
    backroom.command("retention_report", "--program", SLUG, *days, *more)
    page = paths.REPORT.read_text(encoding="utf-8")
    rows = [_cells(row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    together = next((row for row in rows if row[0] == "all together"), [])
    teller.see("the page says", together, sums.row())
    teller.see(
        "what the page loads from elsewhere", re.findall(r'(?:src|href)="http[^"]*', page), []
    )
    teller.read(f"{page.count('<svg')} charts: open {where} in a browser, and print it")


def _cells(row: str) -> list[str]:
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
    return [html.unescape(cell).strip() for cell in cells] or [""]
