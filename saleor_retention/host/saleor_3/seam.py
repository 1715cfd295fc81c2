"""The guarded wrappers around the few Saleor functions through which every checkout price passes.

Saleor 3.x calls no plugin hook where it computes prices with flat tax rates, so module-level
functions (five; one more on 3.21 and 3.22) are replaced at start, by ones that call the original.
What is relied on is checked: the names, the signatures, that all modules hold one and the same
function, and that no other module holds it. If a check fails nothing is replaced, and the plugin
prices nothing; a wrong total is never sold. Source that differs from what was tested is only
reported, with both versions.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from . import gift_lines, price_pass, settled, tested, vouchers


@dataclass(frozen=True, slots=True)
class Seam:
    """One function that is wrapped: who holds it (the first defines it), and what it takes."""

    name: str
    modules: tuple[str, ...]
    parameters: tuple[str, ...]


LINES = Seam(
    name="create_checkout_line_discount_objects_for_catalogue_promotions",
    modules=("saleor.discount.utils.checkout", "saleor.checkout.utils"),
    parameters=("lines_info",),
)
REFRESH = Seam(
    name="create_or_update_discount_objects_from_promotion_for_checkout",
    modules=("saleor.discount.utils.checkout", "saleor.checkout.calculations"),
    parameters=("checkout_info", "lines_info", "database_connection_name"),
)
SHIPPING = Seam(
    name="base_checkout_delivery_price",
    modules=(
        "saleor.checkout.base_calculations",
        "saleor.checkout.complete_checkout",
        "saleor.discount.utils.checkout",
    ),
    parameters=("checkout_info", "lines", "include_voucher"),
)
CHEAPEST = Seam(
    name="get_the_cheapest_line",
    modules=("saleor.discount.utils.voucher", "saleor.order.calculations", "saleor.order.fetch"),
    parameters=("lines_info",),
)
SPREADING = Seam(
    name="_propagate_checkout_discount_on_checkout_lines_prices",
    modules=("saleor.checkout.base_calculations",),
    parameters=("lines", "total_discount", "currency"),
)
CHOICE = Seam(
    name="get_valid_internal_shipping_methods_for_checkout_info",
    modules=("saleor.checkout.utils",),
    parameters=("checkout_info", "subtotal"),
)


@dataclass(frozen=True, slots=True)
class SeamStatus:
    """Whether prices can be trusted to pass through us."""

    version: str
    problems: tuple[str, ...]  # any: the plugin prices nothing
    warnings: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Tell whether prices are computed."""
        return not self.problems


_installed: dict[str, SeamStatus] = {}


def status() -> SeamStatus:
    """Return what the checks at start found."""
    return _installed.get("status") or SeamStatus("", ("The price seam is not installed.",))


def install() -> SeamStatus:
    """Check all seams and wrap them, or none; doing it twice changes nothing."""
    if "status" not in _installed:
        _installed["status"] = _install()
    return _installed["status"]


def needs_priming() -> bool:
    """Tell whether Saleor tells tax apps of lines before it recalculates them: 3.21 and 3.22."""
    return _is_before_3_23(status().version)


def refusal_of(capability: str) -> str | None:
    """Return why this Saleor cannot do ``free_shipping`` or ``line_discounts``, or None."""
    found = status()
    if capability in ("free_shipping", "line_discounts") and not found.is_sound:
        return f"Prices do not pass through the plugin on this Saleor: {found.problems[0]}"
    return None


def problems_of(seam: Seam) -> list[str]:
    """Return what is not as it must be, in sentences."""
    functions = []
    for name in seam.modules:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            return [f"{name} cannot be imported: {error}."]
        if not hasattr(module, seam.name):
            return [f"{name} has no {seam.name}."]
        functions.append(getattr(module, seam.name))
    original = functions[0]
    if not _is_defined_in(original, sys.modules[seam.modules[0]]):
        return [f"{seam.name} is already replaced by {_describe(original)}."]
    found = []
    if any(function is not original for function in functions):
        found.append(f"{' and '.join(seam.modules)} hold different functions named {seam.name}.")
    parameters = tuple(inspect.signature(original).parameters)
    if parameters != seam.parameters:
        expected = ", ".join(seam.parameters)
        found.append(f"{seam.name} takes ({', '.join(parameters)}), not ({expected}).")
    found.extend(
        f"{name} holds {seam.name} too, so prices could pass us by."
        for name in _holders(original)
        if name not in seam.modules
    )
    return found


def _install() -> SeamStatus:
    from saleor import __version__

    seams = seams_of(__version__)
    problems = [problem for seam, _wrap in seams for problem in problems_of(seam)]
    if problems:
        return SeamStatus(__version__, tuple(problems))
    warnings = tuple(tested.changed_sources(__version__))
    for seam, wrap in seams:
        replacement = wrap(getattr(sys.modules[seam.modules[0]], seam.name))
        for module in seam.modules:
            setattr(sys.modules[module], seam.name, replacement)
    settled.install()
    return SeamStatus(__version__, (), warnings)


def _wrap_lines(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def with_own_rows(lines_info: Sequence[Any]) -> Any:
        soonest_end = original(lines_info)
        if not settled.are_settled(lines_info):
            price_pass.price_lines(lines_info)
        return soonest_end

    return with_own_rows


def _wrap_refresh(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def with_voucher_on_new_rows(
        checkout_info: Any, lines_info: Any, *args: Any, **kwargs: Any
    ) -> Any:
        with settled.reading(checkout_info.checkout):
            soonest_end = original(checkout_info, lines_info, *args, **kwargs)
        vouchers.refresh(checkout_info, lines_info)
        return soonest_end

    return with_voucher_on_new_rows


def _wrap_shipping(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def with_free_shipping(
        checkout_info: Any,
        lines: Any = None,
        include_voucher: bool = True,  # noqa: FBT001, FBT002 - Saleor calls it by position
    ) -> Any:
        price = original(checkout_info, lines, include_voucher)
        if price and price_pass.is_shipping_free(lines or checkout_info.lines):
            return price * 0
        return price

    return with_free_shipping


def _wrap_cheapest(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let a voucher for one unit of the cheapest goods not be spent on a gift of ours.

    Saleor compares prices before our rows, so the gift would take the voucher away from what the
    shopper pays for, and choosing a gift would make the cart dearer.
    """

    @functools.wraps(original)
    def without_gifts(lines_info: Iterable[Any] | None) -> Any:
        lines = list(lines_info or ())
        return original([info for info in lines if not gift_lines.is_own(info.line)] or lines)

    return without_gifts


def _wrap_spreading(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let the odd cents of a discount on the order not fall on what is free.

    Saleor leaves them to the last line. A gift is often that, and would cost a cent, or swallow one
    that the voucher promised.
    """

    @functools.wraps(original)
    def with_free_goods_first(lines: Iterable[Any], total_discount: Any, currency: str) -> Any:
        return original(sorted(lines, key=price_pass.has_price_left), total_discount, currency)

    return with_free_goods_first


def _wrap_choice(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let no subtotal below zero cost a checkout its delivery method.

    When a cart shrinks, 3.21 and 3.22 look at the delivery method before they recalculate: with the
    discounts of the bigger cart the subtotal can be negative, and no method takes that.
    """

    @functools.wraps(original)
    def with_subtotal_from_zero(checkout_info: Any, subtotal: Any) -> Any:
        return original(checkout_info, max(subtotal, subtotal * 0))

    return with_subtotal_from_zero


SEAMS = (
    (LINES, _wrap_lines),
    (REFRESH, _wrap_refresh),
    (SHIPPING, _wrap_shipping),
    (CHEAPEST, _wrap_cheapest),
    (SPREADING, _wrap_spreading),
)
OLDER_SEAMS = (*SEAMS, (CHOICE, _wrap_choice))


def seams_of(version: str) -> tuple[tuple[Seam, Callable[..., Any]], ...]:
    """Return what is wrapped on a Saleor, and by what."""
    return OLDER_SEAMS if _is_before_3_23(version) else SEAMS


def _is_before_3_23(version: str) -> bool:
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) < (3, 23)


def _is_defined_in(function: Any, module: Any) -> bool:
    """Tell a function of the module's own file from a wrapper that took over its name."""
    return inspect.isfunction(function) and function.__code__.co_filename == module.__file__


def _holders(function: Callable[..., Any]) -> list[str]:
    """Return the loaded modules that hold the function under any name."""
    holders = []
    for name, module in sorted(sys.modules.items()):
        try:
            values = list(vars(module).values())
        except TypeError:  # something that only poses as a module
            continue
        if any(value is function for value in values):
            holders.append(name)
    return holders


def _describe(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '?')}.{getattr(thing, '__qualname__', repr(thing))}"
