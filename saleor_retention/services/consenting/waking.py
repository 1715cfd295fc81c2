"""Wakes the messages that wait for a customer's consent once it is given."""

from __future__ import annotations

from saleor_retention import host
from saleor_retention.engine.questions import MESSAGE_CHANNELS
from saleor_retention.models import AWAITS_CONSENT, ConsentEntry, Dispatch, DispatchState
from saleor_retention.services.ledger.locking import lock_name


def lock_of(account_id: int) -> str:
    """Return the name of the lock of a customer's messages, taken after that of the account."""
    return f"sends:{account_id}"


def wake(given: ConsentEntry) -> None:
    """Make the messages due that wait for a consent, and have them sent after commit.

    To be called in the database transaction that writes the consent down. Which of them it was
    that they wait for, and all that else speaks against one, is asked when they are sent.
    """
    if given.channel not in MESSAGE_CHANNELS:
        return
    lock_name(lock_of(given.account_id))
    waiting = Dispatch.objects.filter(
        account=given.account_id,
        channel=given.channel,
        state=DispatchState.PLANNED,
        note=AWAITS_CONSENT,
    )
    if waiting.update(not_before=given.at, note=""):
        host.current().dispatch("send_messages_to", given.account_id)
