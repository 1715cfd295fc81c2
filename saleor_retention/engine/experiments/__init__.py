"""Whether something worked: who is held out, and the difference with its interval."""
