"""Tell of deleted users: Saleor 2.10.1 has no plugin hook for that, so Django's signal does."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from saleor.account.models import User

from saleor_retention import host
from saleor_retention.host.guard import never_raises


def install() -> None:
    """Begin to listen; every way of deleting a user through the ORM comes by here."""
    post_delete.connect(_tell, sender=User, dispatch_uid="saleor_retention.deletions")


@never_raises
def _tell(instance: User, **_: Any) -> None:
    from saleor_retention.services.membership import erasing

    for task_name, *args in erasing.tasks_of_deleted(instance):
        host.current().dispatch(task_name, *args)
