"""Signed links: to confirm a consent, and to unsubscribe without a login.

Both are signed under the keys of ``RETENTION_EMAIL_HASH_KEYS``, whose rotation they survive, and
name nobody to who reads them. A confirmation is bound to the address that it was mailed to: the
digest is made with it, so that a link is void once the customer has another address. A link to
unsubscribe carries the hash of the address, so that it works when the customer is gone.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from saleor_retention import conf, host
from saleor_retention.engine.questions import MESSAGE_CHANNELS
from saleor_retention.models import ConsentEntry
from saleor_retention.services.membership.identity import digest_of, email_hash, is_digest_of

KEY_DIGITS = 19
TOKEN_LENGTH_MAX = 400
SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """What following a link ends: messages of a purpose to an address."""

    account_id: int
    channel: str
    purpose: str
    address_hash: str


def confirmation_token(request: ConsentEntry) -> str | None:
    """Return the token to mail for a request; None where the customer has no address now."""
    address = _address_of(request)
    return None if address is None else f"{request.pk}.{digest_of(_confirmed(request, address))}"


def request_in(token: str) -> int | None:
    """Return which request a token is of, as it says; None where it is no token."""
    key = token.split(".", 1)[0]
    return int(key) if _is_key(key) and len(token) <= TOKEN_LENGTH_MAX else None


def is_of(token: str, request: ConsentEntry) -> bool:
    """Tell whether a token was made for a request and the address that its customer has now."""
    address = _address_of(request)
    digest = token.partition(".")[2]
    if address is None or not digest.isascii():
        return False
    return is_digest_of(digest, _confirmed(request, address))


def unsubscribe_path(account_id: int, *, channel: str, purpose: str, address: str) -> str:
    """Return the path, on the shop's own host, that ends such messages to an address.

    For the headers ``List-Unsubscribe`` and ``List-Unsubscribe-Post`` (RFC 8058) and for the text
    of a message. Served while the plugin is installed, on or off.
    """
    content = SEPARATOR.join((str(account_id), channel, purpose, email_hash(address)))
    encoded = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    return f"/plugins/{conf.PLUGIN_ID}/unsubscribe/{encoded}.{digest_of(_signed(content))}"


def unsubscription_in(token: str) -> Unsubscription | None:
    """Return what a link ends, or None where we did not make it."""
    encoded, _, digest = token.partition(".")
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        return None
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        content = base64.urlsafe_b64decode(padded).decode()
    except (binascii.Error, ValueError):
        return None
    if not is_digest_of(digest, _signed(content)):
        return None
    account_id, channel, purpose, address_hash = content.split(SEPARATOR, 3)
    if channel not in MESSAGE_CHANNELS:
        return None
    return Unsubscription(int(account_id), channel, purpose, address_hash)


def _confirmed(request: ConsentEntry, address: str) -> str:
    return f"confirm\n{request.pk}\n{address.strip().casefold()}"


def _signed(content: str) -> str:
    return f"unsubscribe\n{content}"


def _address_of(request: ConsentEntry) -> str | None:
    user_id = request.account.user_id
    if user_id is None:
        return None
    user = host.current().users([str(user_id)]).get(str(user_id))
    return user.email if user is not None and user.email else None


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < KEY_DIGITS
