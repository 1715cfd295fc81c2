"""The one-command shop: a real Saleor on a private PostgreSQL, for the demo and the tests.

Everything it makes lies in the ignored folder ``.sandbox``; nothing is installed into the system.
"""
