"""Checkouts: their price, and the points that are set aside for them."""
