"""Offers: set up, put to a checkout, limited, explained."""
