"""The plugin's settings, read from Django settings under ``RETENTION_*`` with their defaults.

Limits have names so that errors and documents can cite them.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    "EMAIL_HASH_KEYS": {},  # key id -> secret; the last one hashes, all of them are looked up
    "HOLD_MINUTES_MAX": 24 * 60,
    "PAGE_SIZE_MAX": 100,
    "SETTLE_BATCH": 200,
    "EXPIRE_BATCH": 2000,
    "TASKS_AT_ONCE": 4,
    "RECONCILE_OVERLAP_MINUTES": 15,
    "LOCK_TIMEOUT_MS": 5000,
    "QUOTE_KEEP_DAYS": 30,
    "ORDERS_KEPT_DAYS": 0,  # after which the shop deletes orders
    "DIGEST_MARGIN_HOURS": 6,
    "DIGEST_VERIFY_DAYS": 31,
    "REDEMPTIONS_PER_HOUR": 100,  # by member
    "MEMBER_LOOKUPS_PER_HOUR": 1000,  # at tills, by app or member of staff
    "CONSENT_CONFIRM_HOURS": 48,  # how long the link of a double opt-in can be followed
    "CONSENT_CONFIRM_URL": "",  # the storefront's page for it: "https://shop.example/yes?t={token}"
    "CONSENT_RESEND_MINUTES": 15,  # before the mail with that link can be asked for again
    "COUPON_LOOKUPS_PER_HOUR": 60,  # by customer or app
    "OFFER_NODES_MAX": 5000,  # of the search for the best offers, in one price pass
    "FOLLOW_UPS_OPEN_MAX": 500,  # tasks of staff that one segment may have open
    "PUBLIC_URL": "",  # of this shop's API host, for links in messages: "https://api.example.com"
    "SMS_URL": "",
    "SMS_TOKEN": "",
    "SMS_FILE": "",
    "SEND_BATCH": 100,
}

UNLIMITED_BY_ZERO = frozenset(
    {
        "REDEMPTIONS_PER_HOUR",
        "MEMBER_LOOKUPS_PER_HOUR",
        "COUPON_LOOKUPS_PER_HOUR",
        "ORDERS_KEPT_DAYS",
    }
)
"""Settings of which 0 means that there is no limit."""

PLUGIN_ID = "saleor.retention"

BEAT_PREFIX = "saleor-retention-"
"""Names of periodic tasks begin so, for an uninstall to find what a database scheduler kept."""


def get(name: str) -> Any:
    """Return the setting ``RETENTION_<name>``, or its default."""
    return getattr(settings, f"RETENTION_{name}", DEFAULTS[name])
