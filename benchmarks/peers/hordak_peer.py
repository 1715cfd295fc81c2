"""django-hordak in a process of its own, driven line by line by a benchmark.

    python hordak_peer.py postgres://user@host:port/database

The database is empty and gets hordak's tables. Prints ``ready`` and then answers each line:

    accounts N      make N members' accounts and one of the program       -> ok
    run N           N transfers of one point, members in turn             -> seconds
    told N          the same, each told its member's balance afterwards   -> seconds
    batch N         the same N in one database transaction                -> seconds
    toldbatch N     the same N in one, each told its member's balance     -> seconds
    total           the sum of all members' balances, by hordak           -> points
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any


def set_up(url: str) -> None:
    """Make a project of hordak alone and its tables."""
    import dj_database_url
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        DATABASES={"default": dj_database_url.parse(url)},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DEFAULT_CURRENCY="EUR",
        CURRENCIES=["EUR"],
        USE_TZ=True,
        SECRET_KEY="of no use to anybody",  # noqa: S106
    )
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


class Book:
    """Members' accounts and the program's, from which points come."""

    def __init__(self) -> None:
        self.members: list[Any] = []
        self.program: Any = None
        self.turn: Any = iter(())

    def accounts(self, count: int) -> str:
        """Make the accounts."""
        from hordak.models import Account, AccountType

        def account(name: str, kind: Any) -> Any:
            return Account.objects.create(name=name, code=None, type=kind, currencies=["EUR"])

        self.program = account("program", AccountType.expense)
        names = [f"member {number}" for number in range(count)]
        self.members = [account(name, AccountType.liability) for name in names]
        self.turn = cycle(self.members)
        return "ok"

    def run(self, count: int) -> str:
        """Transfer points one by one, each in a database transaction of its own."""
        start = time.perf_counter()
        consume(self._transfer(count))
        return str(time.perf_counter() - start)

    def told(self, count: int) -> str:
        """Do the same and read the member's balance after each, which a posting of ours returns."""
        start = time.perf_counter()
        for member in self._transfer(count):
            member.get_balance()
        return str(time.perf_counter() - start)

    def batch(self, count: int) -> str:
        """Transfer points in one database transaction; hordak has no other way for many."""
        from django.db import transaction

        start = time.perf_counter()
        with transaction.atomic():
            consume(self._transfer(count))
        return str(time.perf_counter() - start)

    def toldbatch(self, count: int) -> str:
        """Do the same and read the member's balance after each transfer."""
        from django.db import transaction

        with transaction.atomic():
            return self.told(count)

    def total(self) -> str:
        """Return what the members have."""
        return str(int(sum(account.get_balance()["EUR"].amount for account in self.members)))

    def _transfer(self, count: int) -> Iterator[Any]:
        from moneyed import Money

        point = Money(1, "EUR")
        for member in islice(self.turn, count):
            member.transfer_to(self.program, point)  # credits the member, debits the program
            yield member


def consume(done: Iterator[Any]) -> None:
    """Let all of it happen."""
    deque(done, maxlen=0)


def main() -> int:
    """Answer until the input ends."""
    set_up(sys.argv[1])
    book = Book()
    print("ready", flush=True)
    for line in sys.stdin:
        name, *numbers = line.split()
        print(getattr(book, name)(*map(int, numbers)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
