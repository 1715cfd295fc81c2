"""Loaders that read for all rows of a query at once, one file a subject."""
