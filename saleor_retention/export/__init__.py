"""What is held about a person, in words and as data: for the command and for GraphQL alike.

Each module here describes the sections of one subject in its table ``DESCRIBED``. A further kind of
data is a ``Section`` with its reader in ``selectors.holdings``, and a function and a row here.
"""
