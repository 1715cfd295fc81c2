"""What became of the customer's points: lots, movements, and those set aside."""

from __future__ import annotations

from collections.abc import Mapping

from saleor_retention import host
from saleor_retention.engine.money import money_text
from saleor_retention.export.values import Table, Told, day, until, values
from saleor_retention.graphql import words
from saleor_retention.models import Hold, HoldState, Lot, LotExtension
from saleor_retention.selectors.history import Movement
from saleor_retention.selectors.holdings import Holding, Section

ENDS: Mapping[str, str] = {
    HoldState.PLACED: "they are set aside still",
    HoldState.CAPTURED: "spent",
    HoldState.RELEASED: "given back",
    HoldState.LAPSED: "given back when the time was over",
}


def _lot(holding: Holding) -> Told:
    lot: Lot = holding.row
    of_order = f" of order {holding.number or lot.order_ref}" if lot.order_ref else ""
    text = (
        f"{day(lot.opened_at)}: {lot.granted} points{of_order}{until(lot.expires_at)}; "
        f"{lot.remaining} are left, {lot.held} set aside, {lot.used} used, {lot.expired} expired."
    )
    return text, values(
        lot,
        "opened_at valid_from expires_at order=order_ref granted remaining held used restored "
        "expired clawed adjusted repaid",
    )


def _lot_extension(holding: Holding) -> Told:
    row: LotExtension = holding.row
    text = (
        f"{day(row.recorded_at)}: points that would have ended on {day(row.from_at)} last until "
        f"{day(row.to_at)}, by what was done on {day(row.activity_at)}."
    )
    return text, values(row, "lot=lot_id recorded_at activity_at from_at to_at cause")


def _hold(holding: Holding) -> Told:
    hold: Hold = holding.row
    exponent = host.current().currency_exponent(hold.currency)
    ended = f" on {day(hold.ended_at)}" if hold.ended_at is not None else ""
    text = (
        f"{day(hold.placed_at)}: {hold.points} points, worth "
        f"{money_text(hold.value_minor, hold.currency, exponent)}, were set aside for cart "
        f"{hold.checkout_ref}; {ENDS[hold.state]}{ended}."
    )
    return text, values(
        hold,
        "cart=checkout_ref order=order_ref state requested points captured restored currency "
        "value_minor placed_at lapses_at ended_at",
    )


def _movement(holding: Holding) -> Told:
    movement: Movement = holding.row
    reason = words.said(words.reason(movement.kind, movement.rule_key, holding.number))
    text = f"{day(movement.at)}: {movement.points:+} points. {reason}"
    return text, values(
        movement,
        "at recorded_at kind points available pending held deficit order=order_ref rule=rule_key "
        "cause actor=actor_ref note",
    )


DESCRIBED: Table = {
    Section.LOT: _lot,
    Section.LOT_EXTENSION: _lot_extension,
    Section.HOLD: _hold,
    Section.MOVEMENT: _movement,
}
