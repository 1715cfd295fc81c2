"""The price seam on Saleor 3.x: what it checks before it wraps, and what a failed check does."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from saleor_retention import host
from tests.factories.loyalty import make_member, make_program, stored

pytestmark = [pytest.mark.saleor3, pytest.mark.django_db(transaction=True)]

DEFINITION = "def priced(lines_info):\n    return lines_info\n"


@pytest.fixture
def shelf(tmp_path: Any) -> Iterator[Any]:
    """Two modules of which the second imports a function of the first, as Saleor's do."""
    from saleor_retention.host.saleor_3.seam import Seam

    file = tmp_path / "first.py"
    file.write_text(DEFINITION)
    first, second = ModuleType("seam_first"), ModuleType("seam_second")
    first.__file__ = str(file)
    exec(compile(DEFINITION, str(file), "exec"), vars(first))  # noqa: S102
    second.priced = first.priced  # type: ignore[attr-defined]
    sys.modules.update(seam_first=first, seam_second=second)
    yield types.SimpleNamespace(
        first=first,
        second=second,
        seam=Seam("priced", ("seam_first", "seam_second"), ("lines_info",)),
    )
    for name in ("seam_first", "seam_second", "seam_third"):
        sys.modules.pop(name, None)


@pytest.fixture
def broken_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Saleor whose functions are not what they were: found at start, nothing is wrapped."""
    from saleor_retention.host.saleor_3 import seam

    status = seam.SeamStatus("3.99.0", ("saleor.discount.utils.checkout has no such function.",))
    monkeypatch.setitem(seam._installed, "status", status)
    for each, _wrap in seam.seams_of(seam.status().version):
        wrapper = getattr(sys.modules[each.modules[0]], each.name)
        for module in each.modules:
            monkeypatch.setattr(sys.modules[module], each.name, wrapper.__wrapped__)


# --- checks at start ------------------------------------------------------------------------------


def test_the_seam_is_sound_here() -> None:
    """On every tested Saleor all checks pass, and the source is the one that was tested."""
    from saleor import __version__

    status = host.current().seam_status()  # type: ignore[attr-defined]

    assert (status.version, status.problems, status.warnings) == (__version__, (), ())


def test_all_holders_have_the_wrapper() -> None:
    """The wrapped functions are replaced wherever Saleor holds them, and still say their names."""
    from saleor_retention.host.saleor_3 import seam

    for each, _wrap in seam.seams_of(seam.status().version):
        held = {id(getattr(sys.modules[module], each.name)) for module in each.modules}
        wrapper = getattr(sys.modules[each.modules[0]], each.name)
        assert len(held) == 1
        assert wrapper.__name__ == each.name
        assert tuple(inspect.signature(wrapper).parameters) == each.parameters


def test_a_fitting_function_has_no_problems(shelf: Any) -> None:
    """What is as it was expected can be wrapped."""
    from saleor_retention.host.saleor_3 import seam

    assert seam.problems_of(shelf.seam) == []


def test_a_missing_name_is_named(shelf: Any) -> None:
    """A function that is gone is named with its module."""
    from saleor_retention.host.saleor_3 import seam

    del shelf.second.priced

    assert seam.problems_of(shelf.seam) == ["seam_second has no priced."]


def test_a_missing_module_is_named(shelf: Any) -> None:
    """A module that is gone is named."""
    from saleor_retention.host.saleor_3 import seam

    del sys.modules["seam_second"]

    assert seam.problems_of(shelf.seam) == [
        "seam_second cannot be imported: No module named 'seam_second'."
    ]


@pytest.mark.usefixtures("shelf")
def test_another_signature_is_named() -> None:
    """A function that takes something else is named with both signatures."""
    from saleor_retention.host.saleor_3 import seam

    other = seam.Seam("priced", ("seam_first", "seam_second"), ("lines_info", "channel"))

    assert seam.problems_of(other) == ["priced takes (lines_info), not (lines_info, channel)."]


def test_another_function_of_that_name_is_named(shelf: Any) -> None:
    """Two modules that hold different functions under the name are not one seam."""
    from saleor_retention.host.saleor_3 import seam

    shelf.second.priced = lambda _lines: None

    assert seam.problems_of(shelf.seam) == [
        "seam_first and seam_second hold different functions named priced."
    ]


def test_a_wrapper_of_somebody_else_is_named(shelf: Any) -> None:
    """A function that another package replaced is not wrapped once more."""
    from saleor_retention.host.saleor_3 import seam

    def foreign(lines_info: Any) -> None:
        """Replace the original."""

    shelf.first.priced = shelf.second.priced = foreign

    (problem,) = seam.problems_of(shelf.seam)
    assert problem.startswith("priced is already replaced by ")
    assert problem.endswith("test_a_wrapper_of_somebody_else_is_named.<locals>.foreign.")


def test_another_holder_is_named(shelf: Any) -> None:
    """A third module that holds the original would be passed by."""
    from saleor_retention.host.saleor_3 import seam

    third = ModuleType("seam_third")
    third.anything = shelf.first.priced  # type: ignore[attr-defined]
    sys.modules["seam_third"] = third

    assert seam.problems_of(shelf.seam) == [
        "seam_third holds priced too, so prices could pass us by."
    ]


def test_changed_source_is_a_warning_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source that nobody tested is reported, and stops nothing."""
    from saleor_retention.host.saleor_3 import tested

    key = ("saleor.checkout.base_calculations", "base_checkout_delivery_price")
    monkeypatch.setitem(tested.SOURCES, key, frozenset({"0" * 16}))
    monkeypatch.setitem(tested.SOURCES, ("saleor.checkout.utils", "gone"), frozenset({"1" * 16}))

    # The function is wrapped by now; `inspect` follows to the original.
    assert tested.changed_sources("3.99.0") == [
        (
            "saleor.checkout.base_calculations.base_checkout_delivery_price of Saleor 3.99.0 is "
            "not the one that was tested (with Saleor 3.21.69, 3.22.67, 3.23.28)."
        ),
        (
            "saleor.checkout.utils.gone of Saleor 3.99.0 is not the one that was tested "
            "(with Saleor 3.21.69, 3.22.67, 3.23.28)."
        ),
    ]


def test_installing_twice_wraps_once() -> None:
    """A second installation changes nothing."""
    from saleor_retention.host.saleor_3 import seam

    before = getattr(sys.modules[seam.LINES.modules[0]], seam.LINES.name)

    host.current().install()  # type: ignore[attr-defined]

    assert getattr(sys.modules[seam.LINES.modules[0]], seam.LINES.name) is before
    assert not hasattr(before.__wrapped__, "__wrapped__")


# --- a seam that does not hold --------------------------------------------------------------------


def test_a_broken_seam_prices_nothing_and_earns_on(
    make: Any, request: pytest.FixtureRequest
) -> None:
    """Without a sound seam members pay list prices; what they buy still earns."""
    channel, user = make.make_channel(), make.make_user()
    account = make_member(make_program(channel), user, "gold")
    request.getfixturevalue("broken_seam")

    checkout = make.make_checkout(user, {make.make_product("20.00"): 1})
    total = make.checkout_total(checkout, user)
    make.complete(checkout)

    account.refresh_from_db()
    assert total == Decimal("30.00")
    assert stored(checkout) is None
    assert account.available == 20


@pytest.mark.usefixtures("broken_seam")
def test_a_broken_seam_refuses_what_it_prices() -> None:
    """Benefits that live on prices are refused with the reason."""
    reason = (
        "Prices do not pass through the plugin on this Saleor: "
        "saleor.discount.utils.checkout has no such function."
    )

    assert host.current().refusal_of("free_shipping") == reason
    assert host.current().refusal_of("line_discounts") == reason
    assert host.current().refusal_of("points") is None


def test_rows_of_before_are_stripped_when_the_seam_breaks(
    make: Any, request: pytest.FixtureRequest
) -> None:
    """A cart from before the upgrade loses our rows with its next change, in the same response."""
    channel, user = make.make_channel(), make.make_user()
    make_member(make_program(channel), user, "vip")
    product = make.make_product("20.00")
    checkout = make.make_checkout(user, {product: 2})
    assert make.checkout_total(checkout, user) == Decimal("46.00")

    request.getfixturevalue("broken_seam")
    make.set_quantity(checkout, product, 1, user)

    assert make.checkout_total(checkout, user) == Decimal("30.00")
    assert own_rows(checkout) == []


def test_no_order_at_prices_of_before(make: Any, request: pytest.FixtureRequest) -> None:
    """A cart from before the upgrade is not ordered at its old price; then the new one shows."""
    channel = make.make_channel("invoice", allow_unpaid=True)
    user = make.make_user()
    make_member(make_program(channel), user, "vip")
    product = make.make_product("20.00", channel=channel)
    checkout = make.make_checkout(user, {product: 1}, channel=channel)
    assert make.checkout_total(checkout, user) == Decimal("28.00")

    request.getfixturevalue("broken_seam")
    answer = make.ask(make.COMPLETE, {"id": make.gid("Checkout", checkout)}, user)

    assert answer["checkoutComplete"]["order"] is None
    assert [error["code"] for error in answer["checkoutComplete"]["errors"]] == ["INVALID"]
    assert make.checkout_total(checkout, user) == Decimal("30.00")


def own_rows(checkout: Any) -> list[Any]:
    """Return the discount rows of a checkout's lines."""
    from saleor.discount.models import CheckoutLineDiscount

    return list(CheckoutLineDiscount.objects.filter(line__checkout=checkout))
