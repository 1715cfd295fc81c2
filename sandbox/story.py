"""The story of the demo: a shopper's way through the program, told over HTTP GraphQL.

What is expected is worked out apart, in ``sandbox.reckoning``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox import best_price, comeback, consenting, errands, paths, reckoning
from sandbox.errands import Shop
from sandbox.graphql_client import ApiError
from sandbox.premises import Premises
from sandbox.reckoning import (
    FIRST,
    MEMBER_OFF_PICKS,
    PICKS,
    POINT_VALUE,
    POINTS_USED,
    PRICES,
    SECOND,
    SHIPPING,
    THIRD,
    VIP_FROM,
    VIP_OFF,
    VIP_TIMES,
    WELCOME,
    balance_as_member,
    cost,
)
from sandbox.telling import Teller

# Movements that only change what points are good for, not how many there are.
MOVES = {"MATURE", "HOLD", "RELEASE", "LAPSE"}

PROGRAM = {
    "slug": "regulars",
    "name": "Regulars",
    "channels": ["default-channel"],
    "rules": {
        "earn": {"rates": [{"currency": "USD", "points": "1", "per": "1.00"}]},
        "pointValues": [{"currency": "USD", "amount": "0.01"}],
        "reference": {"currency": "USD"},
        "welcomePoints": 100,
        "maturing": {"rule": "ON_FULFILMENT"},
        "expiry": {"policy": "END_OF_YEAR", "count": 1},
        "redemption": {"minimumPoints": 50},
        "questions": consenting.QUESTIONS,
    },
}


def tell(premises: Premises) -> list[str]:
    """Tell the whole story in an open shop; return what was wrong."""
    shop = visit(premises)
    teller = shop.teller
    try:
        for scene in SCENES:
            scene(teller, shop)
    except (ApiError, OSError) as error:
        teller.broke_off(error)
    return teller.end()


def visit(premises: Premises) -> Shop:
    """Begin to tell, in an open shop."""
    return Shop(Teller(), premises)


def opening(teller: Teller, shop: Shop) -> None:
    """Staff sets up the program; anyone can read it."""
    teller.scene("The shop opens, and staff sets up a program")
    prices = errands.read_shelf(shop)
    teller.see("goods on the shelf", prices, PRICES)
    picks = {"collections": [shop.collections["Members' picks"]]}
    off = [{"currency": "USD", "amount": "5.00"}]
    ladder: list[dict[str, Any]] = [
        {
            "slug": "member",
            "name": "Member",
            "threshold": "0",
            "prices": [{"amounts": off, "select": picks}],
        },
        {
            "slug": "vip",
            "name": "VIP",
            "threshold": "150.00",
            "earnMultiplier": "2",
            "prices": [{"percent": "10"}],
            "freeShipping": True,
        },
    ]
    tiers = {"metric": "SPEND", "window": "LIFETIME", "ladder": ladder}
    rules = {**PROGRAM["rules"], "tiers": tiers}  # type: ignore[dict-item]
    made = teller.do(shop.staff, ready("staff/program-create"), input={**PROGRAM, "rules": rules})
    teller.see("program", made["program"]["slug"], "regulars")
    for sentence in made["program"]["sentences"]:
        teller.read(sentence["text"])


def joining(teller: Teller, shop: Shop) -> None:
    """Ada signs up and finds welcome points."""
    teller.scene("Ada signs up")
    password = secrets.token_urlsafe(12)
    teller.see("account", errands.sign_up(shop, errands.ADA, password), errands.ADA)
    shop.ada_enters(errands.sign_in(shop, errands.ADA, password))
    see_points(teller, shop, available=WELCOME)
    see_missing(teller, shop, VIP_FROM)


def first_order(teller: Teller, shop: Shop) -> None:
    """Ada buys coffee; the points come when it is shipped."""
    teller.scene("Ada buys two House Blend and two Cups")
    cart = errands.fill_cart(shop, FIRST)
    spent = cost(FIRST)
    see_cart(teller, cart, spent, SHIPPING)
    teller.see("this cart would earn", look(teller, shop, cart)["earns"], int(spent))
    order = errands.pay(shop, cart["id"], spent + SHIPPING)
    teller.see("order total", gross(order["total"]), spent + SHIPPING)
    see_points(teller, shop, available=WELCOME, pending=int(spent))
    teller.see("shipped", errands.ship(shop, order), "FULFILLED")
    see_points(teller, shop, available=WELCOME + int(spent))
    see_missing(teller, shop, VIP_FROM - spent)


def second_order(teller: Teller, shop: Shop) -> None:
    """Ada pays the member's price of chosen goods and climbs to VIP."""
    teller.scene("Ada buys a Grinder and a Kettle at the member's price, and becomes VIP")
    spent = cost(SECOND) - len(PICKS) * MEMBER_OFF_PICKS
    cart = errands.fill_cart(shop, SECOND)
    see_cart(teller, cart, spent, SHIPPING)
    for line in cart["lines"]:
        name = line["variant"]["product"]["name"]
        teller.see(
            f"{name} for a member", gross(line["totalPrice"]), PRICES[name] - MEMBER_OFF_PICKS
        )
    order = errands.pay(shop, cart["id"], spent + SHIPPING)
    teller.see("order total", gross(order["total"]), spent + SHIPPING)
    teller.see("shipped", errands.ship(shop, order), "FULFILLED")
    see_points(teller, shop, available=balance_as_member())
    assert cost(FIRST) + spent >= VIP_FROM
    teller.see("tier", membership(teller, shop)["tier"]["name"], "VIP")


def third_order(teller: Teller, shop: Shop) -> None:
    """VIP prices, free shipping, and a part paid with points."""
    teller.scene("Ada, now VIP, fills a cart with coffee and pays partly with points")
    balance = balance_as_member()
    goods_total = cost(THIRD) * (1 - VIP_OFF)
    cart = errands.fill_cart(shop, THIRD)
    see_cart(teller, cart, goods_total, Decimal(0))
    seen = look(teller, shop, cart)
    teller.see("this cart would earn", seen["earns"], int(goods_total) * VIP_TIMES)
    teller.see("points she could use", seen["redeemableMax"], balance)
    points = POINTS_USED
    done = teller.do(
        shop.ada, ready("storefront/redemption-set"), checkoutId=cart["id"], points=points
    )
    to_pay = goods_total - points * POINT_VALUE
    teller.see("points used", done["checkout"]["retention"]["redemption"]["points"], points)
    teller.see("total now", gross(done["checkout"]["totalPrice"]), to_pay)
    see_points(teller, shop, available=balance - points, held=points)
    order = errands.pay(shop, cart["id"], to_pay)
    teller.see("order total", gross(order["total"]), to_pay)
    teller.see("payment", order["paymentStatus"], "FULLY_CHARGED")
    teller.see("shipped", errands.ship(shop, order), "FULFILLED")
    see_points(teller, shop, available=balance - points + int(to_pay * VIP_TIMES))


def giving_back(teller: Teller, shop: Shop) -> None:
    """Ada sends one bag back and loses what it earned, no more."""
    teller.scene("Ada returns one of the House Blend bags")
    sum_of = reckoning.giving_back()
    kept = errands.refund(shop, shop.orders[-1], sum_of.bag)
    teller.see("money the shop keeps", kept, sum_of.total - sum_of.bag)
    see_points(teller, shop, available=sum_of.after)
    answer = teller.ask(shop.ada, ready("storefront/orders"), first=1)
    order = answer["me"]["orders"]["edges"][0]["node"]["retention"]
    teller.see("points the bag had earned", order["clawedBack"], sum_of.lost)
    teller.see("points given back of those she paid with", order["restored"], sum_of.returned)


def closing(teller: Teller, shop: Shop) -> None:
    """Every movement can be read, and the books add up."""
    teller.scene("Ada reads her history, and staff checks the books")
    answer = teller.ask(shop.ada, ready("storefront/history"), first=50)
    entries = [edge["node"] for edge in answer["me"]["retention"]["history"]["edges"]]
    for entry in reversed(entries):
        teller.read(f"{entry['points']:+5d}  {entry['text']}")
    available = membership(teller, shop)["balance"]["available"]
    changes = (entry["points"] for entry in entries if entry["kind"] not in MOVES)
    teller.see("the movements add up to the balance", sum(changes), available)
    program = teller.ask(shop.staff, "{ retentionProgram { id } }")["retentionProgram"]
    verified = teller.ask(shop.staff, ready("staff/verify"), program=program["id"], orders=True)
    teller.see("breaches of the ledger's rules", verified["retentionVerify"]["breaches"], [])


def see_cart(teller: Teller, cart: dict[str, Any], goods: Decimal, shipping: Decimal) -> None:
    """Check what a cart comes to."""
    teller.see("goods", gross(cart["subtotalPrice"]), goods)
    teller.see("shipping", gross(cart["shippingPrice"]), shipping)
    teller.see("total", gross(cart["totalPrice"]), goods + shipping)


def see_points(
    teller: Teller, shop: Shop, *, available: int, pending: int = 0, held: int = 0
) -> None:
    """Check Ada's balance."""
    balance = membership(teller, shop)["balance"]
    expected = {"available": available, "pending": pending, "held": held, "deficit": 0}
    teller.see("points", balance, expected)


def see_missing(teller: Teller, shop: Shop, amount: Decimal) -> None:
    """Check what Ada is told about the next tier."""
    coming = membership(teller, shop)["nextTier"]
    teller.see("next tier", coming["name"], "VIP")
    teller.see("missing to it", coming["missing"]["amount"]["amount"], amount)


def membership(teller: Teller, shop: Shop) -> dict[str, Any]:
    """Return Ada's page 'my points'."""
    answer = teller.ask(shop.ada, ready("storefront/membership"))
    found: dict[str, Any] = answer["me"]["retention"]
    return found


def look(teller: Teller, shop: Shop, cart: dict[str, Any]) -> dict[str, Any]:
    """Return what the program says about a cart."""
    answer = teller.ask(
        shop.ada,
        """query ($token: UUID!) { checkout(token: $token) { retention {
             earns redeemableMax freeShipping saving { amount } } } }""",
        token=cart["token"],
    )
    found: dict[str, Any] = answer["checkout"]["retention"]
    return found


def ready(name: str) -> str:
    """Return one of the operations that the project keeps ready for storefronts."""
    return (paths.ROOT / "graphql" / f"{name}.graphql").read_text()


def gross(money: dict[str, Any]) -> Decimal:
    """Return the amount of a taxed price; this shop has no taxes."""
    amount: Decimal = money["gross"]["amount"]
    return amount


SCENES: tuple[Callable[[Teller, Shop], None], ...] = (
    opening,
    joining,
    first_order,
    second_order,
    third_order,
    giving_back,
    best_price.setting_up,
    best_price.best_price,
    best_price.near_miss,
    best_price.gift_once,
    closing,
    *comeback.SCENES,
)
