"""Campaigns: who is due, what is said, how it is sent, and who is left out to measure it."""
