"""Campaigns, without Django."""
