"""The ledger: postings, their locks and lots, and what time posts."""
