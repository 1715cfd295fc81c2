"""Where most stories play: one program, a channel with net and one with gross prices."""

from __future__ import annotations

from dataclasses import dataclass

from tests.acceptance.retention import Program
from tests.acceptance.shop import Channel, Shop
from tests.acceptance.storefront import Cart, Shopper, fill_cart, sign_up


@dataclass(frozen=True, slots=True)
class Stage:
    """The standard program: 1 point per 1.00 net, 1 point worth 0.01, VIP has 10 per cent off."""

    shop: Shop
    net: Channel
    gross: Channel
    program: Program

    def shopper(self, *, points: int = 0, is_vip: bool = False) -> Shopper:
        """Sign a customer up, with some more points than the welcome and perhaps as a VIP."""
        shopper = sign_up(self.shop, self.net)
        if points:
            self.program.grant(shopper, self.net, points)
        if is_vip:
            self.program.promote(shopper, self.net)
        return shopper

    def cart(self, shopper: Shopper | None, *, is_gross: bool = False, **goods: int) -> Cart:
        """Fill a cart in the net or the gross channel; as a guest when there is no shopper."""
        channel = self.gross if is_gross else self.net
        return fill_cart(self.shop, channel, shopper, **goods)
