"""A simulation of faults: processes, connections and the database die while points move.

What is simulated, which promises are checked and how to read a failure stands in
docs/explanation/faults.md. ``python -m tests.soak`` (``make soak``) runs it.
"""
