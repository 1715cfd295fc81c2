"""Setting up offers against the goods and prices of a real Saleor."""

from __future__ import annotations

from typing import Any

import pytest

from saleor_retention.errors import Refusals
from saleor_retention.models import Offer
from saleor_retention.services.offering import offers
from saleor_retention.services.setting_up import program_files
from tests.factories.current import factories
from tests.factories.loyalty import make_program

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def make() -> Any:
    """The factories of this Saleor."""
    return factories()


def any_three(select: dict[str, list[str]], price: str) -> dict[str, Any]:
    """Return three units of some goods for a price."""
    parts = [{"select": select, "quantity": 3}]
    return {"kind": "bundle", "bundle": {"parts": parts, "price": {"USD": price}}}


def test_an_offer_meets_goods_prices_and_the_file(make: Any) -> None:
    """Refused above the sum, tried on a basket, exported by slug, applied without a change."""
    channel = make.make_channel()
    category = make.make_category("Tea")
    tea, cup = make.make_product("10.00", category=category), make.make_product("4.00")
    program = make_program(channel)
    channel_ref = program.channels.get().channel_ref
    goods = {"products": [str(tea.product_id)], "variants": [str(cup.pk)]}

    with pytest.raises(Refusals) as above:
        offers.create_offer(
            program=program, slug="three", name="Three", document=any_three(goods, "30.00")
        )
    made = offers.create_offer(
        program=program, slug="three", name="Three", document=any_three(goods, "20.00")
    )
    in_category = {"categories": [str(category.pk)]}
    trial = offers.preview(
        program=program,
        lines=[(str(tea.pk), 4), (str(cup.pk), 1)],
        channel_ref=channel_ref,
        document=any_three(in_category, "15.00"),
    )
    text = program_files.export()

    assert [refusal.field for refusal in above.value.refusals] == ["bundle.price.USD"]
    assert [warning.code for warning in made.warnings] == ["PRICE_ABOVE_CHEAPEST"]
    assert (trial.quote.saving_minor, trial.tried) == (1500, "new")
    assert tea.product.slug in text
    assert cup.sku in text
    assert [planned.action for planned in program_files.apply(text)] == ["nothing"]


def test_goods_that_are_not_there_are_named(make: Any) -> None:
    """Also references that could be none of this Saleor's keys."""
    channel = make.make_channel()
    select = {kind: ["2147480000", "no-key"] for kind in ("products", "variants", "categories")}

    with pytest.raises(Refusals) as refused:
        offers.create_offer(
            program=make_program(channel),
            slug="gone",
            name="Gone",
            document=any_three(select, "1.00"),
        )

    assert [(refusal.code.value, refusal.field) for refusal in refused.value.refusals] == [
        ("NOT_FOUND", f"bundle.parts.0.select.{kind}")
        for kind in ("variants", "products", "categories")
    ]
    assert not Offer.objects.exists()
