"""What a product or variant costs the asking customer, and what it earns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import graphene

from saleor_retention import host
from saleor_retention.graphql import enums_offers, offer_words
from saleor_retention.graphql.channels import channel_named
from saleor_retention.graphql.dataloaders.goods import (
    GoodsPoints,
    PointsOfVariant,
    VariantsOfProduct,
)
from saleor_retention.graphql.errors import discreet, harmless
from saleor_retention.graphql.host_types import Money, money
from saleor_retention.graphql.scalars import RetentionPoints
from saleor_retention.graphql.types_offer import offer_id


class RetentionGoodsOffer(graphene.ObjectType):
    """An offer that goods take part in, for the asking customer."""

    offer_id = graphene.ID(description="The offer.", required=True)
    name = graphene.String(description="Its name, as the shopper reads it.", required=True)
    kind = enums_offers.RetentionOfferKind(description="What it gives.", required=True)
    sentence = graphene.String(description="What it gives and asks for, in words.", required=True)


class RetentionGoods(graphene.ObjectType):
    """One unit of a variant for the asking customer; of a product, of its variant of least price.

    Prices are as the channel enters them, with or without tax.
    """

    variant_id = graphene.ID(description="The variant that this says.", required=True)
    price = graphene.Field(
        Money, description="The price for everybody, with the shop's promotions.", required=True
    )
    member_price = graphene.Field(
        Money,
        description="The price for the asking customer; the same where no benefit applies.",
        required=True,
    )
    benefits = graphene.List(
        graphene.NonNull(graphene.String),
        description="Names of the benefits that lower the price.",
        required=True,
    )
    earns = graphene.Field(
        RetentionPoints,
        description="Points that one unit would earn the asking customer at that price.",
        required=True,
    )

    offers = graphene.List(
        graphene.NonNull(RetentionGoodsOffer),
        description="Offers that the goods take part in now, for the asking customer; of a product "
        "those of all its variants. Those on everything that is spent are left out.",
        required=True,
    )

    @staticmethod
    def resolve_variant_id(root: GoodsPoints, _info: Any) -> str:
        """Return the variant's global id."""
        return host.current().to_global_id("ProductVariant", root.variant_ref)

    @staticmethod
    def resolve_price(root: GoodsPoints, _info: Any) -> Any:
        """Return the price for everybody."""
        return money(root.price_minor, root.currency)

    @staticmethod
    def resolve_member_price(root: GoodsPoints, _info: Any) -> Any:
        """Return the price for the asking customer."""
        return money(root.member_minor, root.currency)

    @staticmethod
    def resolve_benefits(root: GoodsPoints, _info: Any) -> tuple[str, ...]:
        """Return what lowers the price."""
        return root.rule_names

    @staticmethod
    @discreet
    def resolve_offers(root: GoodsPoints, info: Any) -> Any:
        """Promise the offers in words."""
        terms = [said for _, said in root.offers]
        spoken = offer_words.vocabulary(info, terms, root.rules, currency=root.currency)
        return spoken.then(
            lambda names: [
                RetentionGoodsOffer(
                    offer_id=offer_id(offer.id),
                    name=offer.name,
                    kind=said.kind.value,
                    sentence=offer_words.sentence(said, names),
                )
                for offer, said in root.offers
            ]
        )


@harmless
def resolve_variant_retention(root: Any, info: Any, channel: str | None = None) -> Any:
    """Promise price and points of a variant; null where no program runs or it is not sold."""
    variant = host.current().node(root)
    return _channel(info, root, channel).then(
        lambda place: PointsOfVariant.of(info).load((place.ref, str(variant.pk)))
    )


@harmless
def resolve_product_retention(root: Any, info: Any, channel: str | None = None) -> Any:
    """Promise price and points of a product's variant of least price."""
    product = host.current().node(root)

    def of_variants(channel_ref: str, variant_refs: list[str] | None) -> Any:
        keys = [(channel_ref, ref) for ref in variant_refs or ()]
        return PointsOfVariant.of(info).load_many(keys).then(_cheapest)

    return _channel(info, root, channel).then(
        lambda place: (
            VariantsOfProduct.of(info)
            .load((place.ref, str(product.pk)))
            .then(lambda refs: of_variants(place.ref, refs))
        )
    )


def _channel(info: Any, root: Any, slug: str | None) -> Any:
    """Promise the channel that was named here, or by the query around."""
    return channel_named(info, slug or host.current().channel_slug(root))


def _cheapest(found: list[GoodsPoints | None]) -> GoodsPoints | None:
    """Return the variant of least price, with the offers that any of the variants takes part in."""
    sold = sorted(
        (goods for goods in found if goods is not None),
        key=lambda goods: (goods.member_minor, goods.price_minor),
    )
    if not sold:
        return None
    offers = {offer.id: (offer, said) for goods in sold for offer, said in goods.offers}
    return replace(sold[0], offers=tuple(offers.values()))
