"""``retention_coupons``: many codes at once, written to a file, or ended."""

from __future__ import annotations

import argparse
import csv
from contextlib import nullcontext
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from saleor_retention import host
from saleor_retention.engine.coupons.terms import CouponTerms, InvalidTerms, minor_of, parse
from saleor_retention.engine.spreadsheets import safe
from saleor_retention.errors import Refusal
from saleor_retention.management.progress import Progress
from saleor_retention.models import CouponBatch, Program
from saleor_retention.services.couponing import coupon_batches
from saleor_retention.services.couponing.coupon_batches import Order

HEADER = ("code", "state", "uses", "uses_max", "valid_until")


class Command(BaseCommand):
    """Issue, export and revoke a batch, which its key names."""

    help = (
        "Issues a batch of bearer codes (the same key goes on with what is there), writes them "
        "as CSV, or ends them."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take one of three actions."""
        actions = parser.add_subparsers(dest="action", required=True)
        issue = actions.add_parser("issue", help="make the codes, or those that are missing")
        issue.add_argument("--size", type=int, required=True, help="how many codes")
        issue.add_argument("--name", required=True, help="what shoppers read beside the discount")
        issue.add_argument("--days", type=int, required=True, help="days of validity after today")
        issue.add_argument("--percent", help="per cent off")
        issue.add_argument("--amount", action="append", metavar="USD=5.00", help="or money off")
        issue.add_argument(
            "--minimum", action="append", metavar="USD=50.00", help="only from goods for that on"
        )
        issue.add_argument("--shipping", action="store_true", help="off the shipping")
        issue.add_argument("--uses", type=int, default=1, help="orders for each code (1)")
        issue.add_argument("--prefix", default="", help="what each code begins with")
        issue.add_argument("--campaign", default="", help="what the coupons are counted under")
        export = actions.add_parser("export", help="write the codes as CSV")
        revoke = actions.add_parser("revoke", help="end the codes that can still be used")
        revoke.add_argument("--reason", required=True, help="why, for the audit trail")
        for action in (issue, export):
            action.add_argument("--csv", metavar="FILE", help="write all codes of the batch here")
        for action in (issue, export, revoke):
            action.add_argument("--program", required=True, help="slug of the program")
            action.add_argument("--key", required=True, help="the batch's name in the program")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it."""
        program = Program.objects.filter(slug=options["program"]).first()
        if program is None:
            raise CommandError(f'There is no program "{options["program"]}".')
        try:
            with host.current().writer():
                getattr(self, f"_{options['action']}")(program, options)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None

    def _issue(self, program: Program, options: dict[str, Any]) -> None:
        wanted = Order(
            key=options["key"],
            size=options["size"],
            terms=_terms(options),
            valid_for_days=options["days"],
            prefix=options["prefix"],
            campaign=options["campaign"],
        )
        batch = coupon_batches.order_batch(program, wanted, actor_ref="")
        there = batch.issued
        made = 0
        with Progress(self.stderr, wanted.size - there, "codes") as progress:
            while count := coupon_batches.fill(batch.pk):
                made += count
                progress.add(count)
        self.stdout.write(f'Batch "{batch.key}": {made} codes made, {there} were there.')
        if options["csv"]:
            self._export(program, options)

    def _export(self, program: Program, options: dict[str, Any]) -> None:
        batch = _batch(program, options["key"])
        count = 0
        try:
            with _opened(options["csv"], self.stdout) as file:
                writer = csv.writer(file, lineterminator="\r\n")
                writer.writerow(HEADER)
                for coupon in coupon_batches.codes_of(batch):
                    end = coupon.valid_until.isoformat()
                    writer.writerow(
                        (safe(coupon.code), coupon.state, coupon.uses, coupon.uses_max, end)
                    )
                    count += 1
        except OSError as error:
            raise CommandError(f"{options['csv']}: {error.strerror}.") from None
        if options["csv"]:
            self.stdout.write(f"{count} codes are in {options['csv']}.")

    def _revoke(self, program: Program, options: dict[str, Any]) -> None:
        batch = _batch(program, options["key"])
        ended = coupon_batches.revoke_batch(batch, actor_ref="", reason=options["reason"])
        self.stdout.write(f'Batch "{batch.key}": {ended} codes ended.')


def _opened(path: str | None, otherwise: Any) -> Any:
    if path is None:
        return nullcontext(otherwise)
    return Path(path).open("w", encoding="utf-8", newline="")


def _batch(program: Program, key: str) -> CouponBatch:
    batch = CouponBatch.objects.select_related("program").filter(program=program, key=key).first()
    if batch is None:
        raise CommandError(f'The program "{program.slug}" has no batch "{key}".')
    return batch


def _terms(options: dict[str, Any]) -> CouponTerms:
    document: dict[str, Any] = {"name": options["name"], "uses": options["uses"]}
    if options["percent"] is not None:
        document["percent"] = options["percent"]
    for word in ("amount", "minimum"):
        if options[word]:
            document[f"{word}s"] = dict(_money(word, text) for text in options[word])
    if options["shipping"]:
        document["shipping"] = True
    try:
        return parse(document)
    except InvalidTerms as error:
        raise CommandError(" ".join(sentence for _field, sentence in error.problems)) from None


def _money(word: str, text: str) -> tuple[str, int]:
    currency, equals, amount = text.partition("=")
    try:
        minor = minor_of(Decimal(amount), host.current().currency_exponent(currency))
    except (InvalidOperation, ValueError):
        minor = 0
    if not equals or not minor:
        raise CommandError(f"--{word}: {text} is no amount such as USD=5.00.")
    return currency, minor
