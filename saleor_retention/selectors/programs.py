"""Which program runs where, and what its versions say.

A version is written once, so its parsed rules are kept for the life of the process by its id: the
price pass asks for them each time and must not pay a statement for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.db import connection

from saleor_retention import conf, host
from saleor_retention.engine.parsing import parse_program
from saleor_retention.engine.rules import ProgramRules
from saleor_retention.models import Program, ProgramChannel, ProgramVersion


def active_program(channel_ref: str) -> Program | None:
    """Return the one active program of a channel with its current version, or None."""
    place = active_place(channel_ref)
    return place.program if place is not None else None


def active_place(channel_ref: str) -> ProgramChannel | None:
    """Return the channel's place in its active program, which comes along as above, or None."""
    places = ProgramChannel.objects.select_related("program__current_version")
    return places.filter(channel_ref=channel_ref, is_active=True).first()


def channels_with_program() -> list[str]:
    """Return the channels in which a program is active."""
    found = ProgramChannel.objects.filter(is_active=True)
    return sorted(found.values_list("channel_ref", flat=True))


def is_switched_on() -> bool:
    """Tell whether the plugin is active in the shop; a plugin that was never configured is.

    Reads the one row that Saleor keeps of a plugin, by the table's name, which all hosts share.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT active FROM plugins_pluginconfiguration WHERE identifier = %s LIMIT 1",
            [conf.PLUGIN_ID],
        )
        row = cursor.fetchone()
    return True if row is None else bool(row[0])


@lru_cache(maxsize=1024)
def rules_of(version_id: int) -> ProgramRules:
    """Return what a version says, parsed once per process.

    Raises ``ProgramVersion.DoesNotExist``, and ``ValueError`` naming the first problem when a
    stored document cannot be read any more (a fault: it was valid when it was stored).
    """
    version = ProgramVersion.objects.only("document").get(pk=version_id)
    rules, problems = parse_program(version.document, exponents_in(version.document))
    if rules is None:
        first = next(problem for problem in problems if not problem.is_warning)
        raise ValueError(f"Program version {version_id}: {first.field}: {first.message}")
    return rules


def shop_exponents() -> dict[str, int]:
    """Return the digits of the minor unit of every currency that a channel of the shop uses."""
    shop = host.current()
    currencies = {channel.currency for channel in shop.channels()}
    return {currency: shop.currency_exponent(currency) for currency in sorted(currencies)}


def exponents_in(document: Mapping[str, Any]) -> dict[str, int]:
    """Return the digits of every currency that a stored document names.

    The shop may have lost the channel of a currency since; old versions stay readable.
    """
    shop = host.current()
    return {code: shop.currency_exponent(code) for code in sorted(set(_currencies(document)))}


def _currencies(document: Mapping[str, Any]) -> Iterator[str]:
    reference = document.get("reference") or {}
    yield from (document.get("earn") or {}).get("rates") or {}
    yield from document.get("point_value") or {}
    yield from document.get("acquisition_cost") or {}
    yield from reference.get("rates") or {}
    if reference.get("currency"):
        yield reference["currency"]
    for tier in (document.get("tiers") or {}).get("ladder") or ():
        for price in tier.get("prices") or ():
            yield from price.get("amount") or {}
