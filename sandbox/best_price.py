"""The chapter of the story about offers: the best price, its proof, and what little is missing.

Told over HTTP GraphQL like the rest of ``sandbox.story``; the figures are those of
``sandbox.bargains``. Saleor 2.10.1 gives no gifts away, so the gift that is never repeated is shown
by the engine alone.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox import errands, paths
from sandbox.bargains import (
    ADDED,
    BEST,
    BEST_WITH_MORE,
    BUNDLES,
    CART,
    GREEDY,
    MORE,
    PRICES,
    SPENT_FROM,
    SPENT_OFF,
    for_vip,
    gifts_left,
    proved,
    saves,
)
from sandbox.errands import Shop
from sandbox.telling import Teller


def setting_up(teller: Teller, shop: Shop) -> None:
    """Staff adds four offers to the program; anyone can read what they say."""
    teller.scene(
        "Staff adds offers: three sets that share goods, and something off for spending more"
    )
    program = teller.ask(shop.staff, "{ retentionProgram { id } }")["retentionProgram"]
    for slug, (name, goods, price) in BUNDLES.items():
        parts = [
            {"quantity": 1, "select": {"products": [shop.products[product]]}} for product in goods
        ]
        prices = [{"currency": "USD", "amount": f"{price:.2f}"}]
        offer = {"kind": "BUNDLE", "bundle": {"parts": parts, "prices": prices}}
        made = _create(teller, shop, program["id"], slug, name, offer)
        teller.see(
            "offer",
            made["sentence"],
            f"1 of {goods[0]}, 1 of {goods[1]} together for {price:.2f} USD.",
        )
    step = {
        "fromAmounts": [{"currency": "USD", "amount": f"{SPENT_FROM:.2f}"}],
        "amounts": [{"currency": "USD", "amount": f"{SPENT_OFF:.2f}"}],
    }
    offer = {"kind": "THRESHOLD", "threshold": {"steps": [step]}}
    made = _create(teller, shop, program["id"], "treat", "Treat", offer)
    teller.see(
        "offer", made["sentence"], f"From {SPENT_FROM:.2f} USD spent, {SPENT_OFF:.2f} USD off."
    )


def best_price(teller: Teller, shop: Shop) -> None:
    """Show that the set which saves most is not among the best ones, and check the proof."""
    teller.scene("Ada fills a cart where taking the best set first would cost her money")
    for slug, (name, _goods, _price) in BUNDLES.items():
        teller.read(f"{name} alone would save {saves(slug):.2f} USD")
    cart = errands.fill_cart(shop, CART)
    teller.see("total", _gross(cart["totalPrice"]), BEST)
    teller.see("what the best set first would have cost her more", GREEDY - BEST, Decimal("4.50"))
    offers = look(teller, shop, cart)
    teller.see(
        "applied",
        sorted(each["name"] for each in offers["applied"]),
        ["Morning set", "Weekend set"],
    )
    teller.see("not proved to be the lowest price by", offers["gap"]["amount"], Decimal(0))
    teller.see("the checker agrees, and comes to", proved(CART), BEST)
    for each in offers["verdicts"]:
        teller.read(f"{each['name']}: {each['text']}")


def near_miss(teller: Teller, shop: Shop) -> None:
    """Show what little is missing, take it up, and pay."""
    teller.scene("Ada reads how much more she has to spend, and does")
    cart = errands.fill_cart(shop, CART)  # Saleor 2.10 gives her the cart that she has
    (near,) = look(teller, shop, cart)["nearMisses"]
    missing = SPENT_FROM - BEST
    teller.see("near miss", near["text"], f"{missing:.2f} USD more for {SPENT_OFF:.2f} USD off")
    teller.see(f"the {ADDED} for a VIP", for_vip(PRICES[ADDED]), missing)
    cart = errands.add_to_cart(shop, cart["id"], {ADDED: 1})
    teller.see("total", _gross(cart["totalPrice"]), BEST_WITH_MORE)
    offers = look(teller, shop, cart)
    teller.see("near misses left", offers["nearMisses"], [])
    teller.see("the checker agrees, and comes to", proved(MORE), BEST_WITH_MORE)
    order = errands.pay(shop, cart["id"], BEST_WITH_MORE)
    teller.see("order total", _gross(order["total"]), BEST_WITH_MORE)
    teller.see("shipped", errands.ship(shop, order), "FULFILLED")


def gift_once(teller: Teller, _shop: Shop) -> None:
    """Show that a gift which a customer has had is not offered again."""
    teller.scene("A gift is never given twice (asked of the engine: Saleor 2.10.1 gives none away)")
    for had, left in (((), ["Cup", "Decaf"]), (("Cup",), ["Decaf"]), (("Cup", "Decaf"), [])):
        seen = gifts_left(frozenset(had))
        teller.see(f"gifts to choose from after {len(had)}", seen, left)


def look(teller: Teller, shop: Shop, cart: dict[str, Any]) -> dict[str, Any]:
    """Return what the shop says of the offers in a cart."""
    text = (paths.ROOT / "graphql" / "storefront" / "offers.graphql").read_text()
    answer = teller.ask(
        shop.ada,
        """query ($token: UUID!) { checkout(token: $token) { retention {
             offers { ...RetentionOffersParts } } } }"""
        + text[text.index("fragment ") :],
        token=cart["token"],
    )
    found: dict[str, Any] = answer["checkout"]["retention"]["offers"]
    return found


def _create(
    teller: Teller, shop: Shop, program_id: str, slug: str, name: str, offer: dict[str, Any]
) -> dict[str, Any]:
    text = (paths.ROOT / "graphql" / "staff" / "offer-create.graphql").read_text()
    given = {"slug": slug, "name": name, "offer": offer}
    made: dict[str, Any] = teller.do(shop.staff, text, programId=program_id, input=given)["offer"]
    return made


def _gross(money: dict[str, Any]) -> Decimal:
    amount: Decimal = money["gross"]["amount"]
    return amount
