"""The adapter for Saleor 3.21, 3.22 and 3.23.

Saleor is imported inside functions only: this package is loaded before Saleor's own modules are.
"""

from __future__ import annotations

from .adapter import Saleor3

__all__ = ["Saleor3"]
