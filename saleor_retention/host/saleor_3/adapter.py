"""The ``Host`` protocol on Saleor 3.x; each method is one call into a module of this package."""

from __future__ import annotations

from . import basket, seam


class Saleor3:
    """Saleor 3.21, 3.22 or 3.23."""

    name = "3"

    @property
    def version(self) -> str:
        """Return the exact version."""
        from saleor import __version__

        return __version__

    def install(self) -> seam.SeamStatus:
        """Wrap the functions that prices pass through; called once, when the app is ready."""
        return seam.install()

    def seam_status(self) -> seam.SeamStatus:
        """Return what the checks at start found."""
        return seam.status()

    def currency_exponent(self, currency: str) -> int:
        """Return the digits that Saleor rounds the currency to."""
        return basket.currency_exponent(currency)
