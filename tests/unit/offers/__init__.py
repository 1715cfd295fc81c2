"""Offers at checkout, without Django."""
