"""Keyed hashes: what a guest's account is known by, and what a receipt said of its member.

The addresses themselves are never stored. The keys are the setting ``RETENTION_EMAIL_HASH_KEYS``
(key id -> secret), apart from the shop's secret key, and can be rotated: the last key hashes, all
of them are looked up. Without the setting a key is derived from the shop's secret key, which a
system check warns of: rotating that one would lose the guests.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from django.conf import settings

from saleor_retention import conf

DERIVED_KEY_ID = "shop"
MEMBER_NUMBER_DIGITS = 12


def email_hash(email: str) -> str:
    """Return ``<key id>:<hex>`` of an address under the newest key; "" for no address."""
    hashes = email_hashes(email)
    return hashes[-1] if hashes else ""


def email_hashes(email: str) -> list[str]:
    """Return the hashes of an address under every key, the newest last.

    Addresses that differ in case or surrounding blanks only are the same.
    """
    normal = email.strip().casefold()
    if not normal:
        return []
    return [f"{key_id}:{_digest(secret, normal)}" for key_id, secret in _keys().items()]


def digest_of(text: str) -> str:
    """Return the hex digest, under the newest key, of text that names a person somewhere.

    Without a key whoever reads the database could try out addresses and phone numbers.
    """
    return [_digest(secret, text) for secret in _keys().values()][-1]


def is_digest_of(digest: str, text: str) -> bool:
    """Tell whether a digest was made of this text, under whichever key."""
    return any(hmac.compare_digest(digest, _digest(key, text)) for key in _keys().values())


def new_member_number() -> str:
    """Return a random number for a member's card, without a leading zero."""
    low = 10 ** (MEMBER_NUMBER_DIGITS - 1)
    return str(low + secrets.randbelow(9 * low))


def _keys() -> dict[str, str]:
    keys: dict[str, str] = conf.get("EMAIL_HASH_KEYS")
    if keys:
        return keys
    derived = hashlib.sha256(f"saleor-retention:email:{settings.SECRET_KEY}".encode())
    return {DERIVED_KEY_ID: derived.hexdigest()}


def _digest(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
