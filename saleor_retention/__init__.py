"""Loyalty and retention for Saleor: points, tiers, member prices and offers at checkout."""

__version__ = "0.1.0"
