"""The adapter for Saleor 2.10.1: the sandbox's shop, end of life, never to face the internet."""

from __future__ import annotations

from .adapter import Saleor210

__all__ = ["Saleor210"]
