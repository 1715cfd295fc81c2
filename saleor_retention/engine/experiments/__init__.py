"""Whether something worked: who is held out, the difference with its interval, what could be seen."""
