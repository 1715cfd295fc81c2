"""Coupons: issued one at a time or in batches, held to their limits."""
