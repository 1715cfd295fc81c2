"""Consents: asked for, confirmed, withdrawn."""
