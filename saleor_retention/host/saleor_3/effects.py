"""What the plugin does to Saleor besides prices: repricing, stripping, dispatching, writing.

``last_change`` moves with every repricing: Saleor does not save prices that it computed while the
checkout changed, so what was computed before is never stored after.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from django.db import connections, transaction
from django.db.utils import DEFAULT_DB_ALIAS
from saleor.core.db.connection import allow_writer

from saleor_retention.host.guard import never_raises

from . import settled

logger = logging.getLogger(__name__)

REPRICE = """
UPDATE checkout_checkout
SET price_expiration = now(), discount_expiration = now(), last_change = now()
WHERE token = %(token)s::uuid
"""

REPRICE_CHANNELS = """
WITH wanted AS MATERIALIZED (
    SELECT token FROM checkout_checkout
    WHERE channel_id::text = ANY(%(channel_refs)s::text[]) AND price_expiration > now()
      AND (%(after_ref)s = '' OR token > NULLIF(%(after_ref)s, '')::uuid)
    ORDER BY token LIMIT %(limit)s FOR UPDATE
)
UPDATE checkout_checkout checkout
SET price_expiration = now(), discount_expiration = now(), last_change = now()
FROM wanted WHERE checkout.token = wanted.token
RETURNING checkout.token::text
"""

CATCH_UP = "SELECT * FROM saleor_retention_catch_up(%(token)s::uuid)"

STRIP = """
WITH wanted AS MATERIALIZED (
    SELECT quote.checkout_ref, quote.own_row_ids
    FROM saleor_retention_storedquote quote
    JOIN checkout_checkout checkout ON checkout.token::text = quote.checkout_ref
    WHERE %(is_all)s OR quote.checkout_ref = ANY(%(checkout_refs)s::text[])
), locked AS MATERIALIZED (
    SELECT checkout.token FROM checkout_checkout checkout
    WHERE checkout.token::text IN (SELECT checkout_ref FROM wanted)
    ORDER BY checkout.token FOR UPDATE
), expired AS (
    UPDATE checkout_checkout checkout
    SET price_expiration = now(), discount_expiration = now(), last_change = now()
    WHERE checkout.token IN (SELECT token FROM locked)
), forgotten AS (
    DELETE FROM saleor_retention_storedquote quote
    USING locked
    WHERE quote.checkout_ref = locked.token::text AND quote.order_ref = ''
), removed AS (
    DELETE FROM discount_checkoutlinediscount row
    USING (SELECT unnest(own_row_ids) AS id FROM wanted
           WHERE (SELECT count(*) FROM locked) > 0) own
    WHERE row.id = own.id
    RETURNING 1
)
SELECT count(*) FROM removed
"""


def expire_channels(channel_refs: Sequence[str], after_ref: str, limit: int) -> list[str]:
    """Let the valid prices of up to ``limit`` checkouts expire; return their refs in order."""
    settled.forget()
    params = {"channel_refs": list(channel_refs), "after_ref": after_ref, "limit": limit}
    with allow_writer(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(REPRICE_CHANNELS, params)
        return sorted(row[0] for row in cursor.fetchall())


def reprice(checkout_ref: str) -> None:
    """Make the checkout compute its prices afresh when next read."""
    settled.forget()
    with allow_writer(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(REPRICE, {"token": checkout_ref})


def catch_up(checkout_ref: str) -> tuple[bool, bool, bool]:
    """Let valid prices expire that were computed for somebody else; one statement.

    Returns whether they were, whether points are held for the checkout, and whether gifts are
    picked.
    """
    with allow_writer(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(CATCH_UP, {"token": checkout_ref})
        has_changed_hands, has_hold, has_gift = cursor.fetchone()
    if has_changed_hands or has_hold or has_gift:
        settled.forget()
    return has_changed_hands, has_hold, has_gift


def strip_own_rows(checkout_refs: Iterable[str] | None = None) -> int:
    """Delete own rows (all, or of some checkouts), expire their prices, return how many."""
    settled.forget()
    params = {
        "is_all": checkout_refs is None,
        "checkout_refs": sorted(checkout_refs) if checkout_refs is not None else [],
    }
    with allow_writer(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(STRIP, params)
        return int(cursor.fetchone()[0])


def dispatch(task_name: str, *args: Any) -> None:
    """Run the named task of ``saleor_retention.tasks`` after commit, on a worker if there is one.

    A broker that cannot be reached is logged: the hourly reconcile finds what was not dispatched.
    """

    def send() -> None:
        from saleor_retention import tasks

        try:
            getattr(tasks, task_name).apply_async(args=args, retry=False)
        except Exception:
            logger.exception("Could not dispatch %s%r.", task_name, args)

    transaction.on_commit(send, using=DEFAULT_DB_ALIAS)


def tell_of(checkout_ref: str) -> None:
    """Have Saleor tell plugins and apps, after commit, that the checkout was updated.

    As its own mutations do. Our own hook hears of it too, and finds nothing more to do.
    """
    transaction.on_commit(partial(_tell_of, checkout_ref), using=DEFAULT_DB_ALIAS)


@never_raises
def _tell_of(checkout_ref: str) -> None:
    from saleor.checkout.actions import call_checkout_event
    from saleor.checkout.models import Checkout
    from saleor.plugins.manager import get_plugins_manager
    from saleor.webhook.event_types import WebhookEventAsyncType

    with allow_writer():
        checkout = Checkout.objects.filter(pk=checkout_ref).first()
        if checkout is not None:
            call_checkout_event(
                get_plugins_manager(allow_replica=False),
                event_name=WebhookEventAsyncType.CHECKOUT_UPDATED,
                checkout=checkout,
            )


def notify(event: str, payload: Mapping[str, Any]) -> bool:
    """Tell the plugins and the apps that listen to ``NOTIFY_USER``; those answer for the mail."""
    from saleor.plugins.manager import get_plugins_manager

    if not hears_notify():
        return False
    get_plugins_manager(allow_replica=False).notify(event, payload_func=lambda: dict(payload))
    return True


def hears_notify() -> bool:
    """Tell whether an app listens to ``NOTIFY_USER``, or a plugin that is not Saleor's own.

    Saleor's own plugins write mails of its own events only, and pass over all others.
    """
    from saleor.plugins.manager import get_plugins_manager
    from saleor.plugins.webhook.plugin import WebhookPlugin
    from saleor.webhook.event_types import WebhookEventAsyncType
    from saleor.webhook.utils import get_webhooks_for_event

    for plugin in get_plugins_manager(allow_replica=False).get_plugins(active_only=True):
        if isinstance(plugin, WebhookPlugin):
            if get_webhooks_for_event(WebhookEventAsyncType.NOTIFY_USER).exists():
                return True
        elif hasattr(plugin, "notify") and not type(plugin).__module__.startswith("saleor."):
            return True
    return False


def writer() -> AbstractContextManager[Any]:
    """Allow writes to the default database within."""
    return allow_writer()


def is_uuid(text: str) -> bool:
    """Tell whether a reference can be the key of a checkout or an order."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
