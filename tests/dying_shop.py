"""A process of the shop that is killed after Saleor committed, before our task is dispatched.

``python -m tests.dying_shop complete|pay <pk>`` sends one request to Saleor's own GraphQL view. In
this process alone, asking for an order to be settled means to die of SIGKILL as soon as the
database transaction at hand has been committed: nothing is flushed, no ``finally`` runs, no broker
hears of it. That is the gap between a commit and what is to happen after it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

DEED_BY_NAME = {"complete": "checkout", "pay": "order"}


def main(deed: str, pk: str) -> None:
    """Do it, and be killed."""
    import django

    django.setup()
    from django.apps import apps
    from django.db import transaction

    from saleor_retention import host
    from tests.factories.current import factories

    def die(_shop: Any, task_name: str, *_args: Any) -> None:
        if task_name == "settle":
            transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))

    type(host.current()).dispatch = die  # type: ignore[method-assign]
    label = DEED_BY_NAME[deed]
    subject = apps.get_model(label, label).objects.get(pk=pk)
    make = factories()
    if deed == "complete":
        make.complete(subject)
    else:
        make.mark_paid(subject)


if __name__ == "__main__":
    main(*sys.argv[1:])
