"""Offers at checkout: the lowest price that the rules allow, explained and proved."""
