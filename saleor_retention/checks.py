"""System checks with stable ids: what ``manage.py check`` and every start of the shop say.

None of them asks the database; ``retention_doctor`` looks further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from saleor_retention import beat, conf, host

APP = "saleor_retention"
PLUGIN = "saleor_retention.plugin.RetentionPlugin"
SECRET_LENGTH_MIN = 32


@register(APP)
def check_prices(**_kwargs: Any) -> list[CheckMessage]:
    """E001, W001, W002: whether prices pass through the plugin as they did when it was tested."""
    shop = host.current()
    status = shop.seam_status()
    messages: list[CheckMessage] = [
        Error(
            f"Checkout prices do not pass through the plugin: {problem}",
            hint=(
                "Member prices and redemption are off until this is resolved; earning goes on. "
                "Look for a release of saleor-retention for this Saleor, and for other code that "
                "replaces the same function."
            ),
            id=f"{APP}.E001",
        )
        for problem in status.problems
    ]
    messages += [
        checks.Warning(warning, hint="Try a checkout with a member price.", id=f"{APP}.W001")
        for warning in status.warnings
    ]
    if shop.version not in shop.tested_versions:
        messages.append(
            checks.Warning(
                f"Saleor {shop.version} was not tested; {', '.join(shop.tested_versions)} were.",
                hint="Run retention_doctor after an upgrade.",
                id=f"{APP}.W002",
            )
        )
    return messages


@register(APP)
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """E002: settings named ``RETENTION_*`` that mean nothing."""
    return [
        Error(problem, hint="See docs/reference/settings.md.", id=f"{APP}.E002")
        for problem in [*_unknown_settings(), *_bad_numbers(), *_bad_keys(), *_bad_links()]
    ]


@register(APP)
def check_hash_key(**_kwargs: Any) -> list[CheckMessage]:
    """W003: guests' addresses are hashed with a key that hangs on the shop's secret key."""
    if conf.get("EMAIL_HASH_KEYS"):
        return []
    return [
        checks.Warning(
            "RETENTION_EMAIL_HASH_KEYS is not set; the key is derived from SECRET_KEY.",
            hint=(
                "Set it to {'1': '<at least 32 random characters>'}: a change of SECRET_KEY "
                "would otherwise lose the guest accounts that are not claimed yet."
            ),
            id=f"{APP}.W003",
        )
    ]


@register(APP)
def check_plugin(**_kwargs: Any) -> list[CheckMessage]:
    """E003: the plugin class is not listed, so that Saleor calls none of its hooks."""
    if PLUGIN in settings.PLUGINS:
        return []
    return [
        Error(
            f"{PLUGIN} is not in PLUGINS: no order earns and no price changes.",
            hint="Add it to PLUGINS; Saleor 3.x finds an installed package by itself.",
            id=f"{APP}.E003",
        )
    ]


@register(APP)
def check_schema(**_kwargs: Any) -> list[CheckMessage]:
    """E004: the GraphQL fields are not there."""
    if is_mounted():
        return []
    return [
        Error(
            "The GraphQL fields of the plugin are not mounted.",
            hint="Put saleor_retention last in INSTALLED_APPS.",
            id=f"{APP}.E004",
        )
    ]


@register(APP)
def check_beat(**_kwargs: Any) -> list[CheckMessage]:
    """W004: the shop replaced its schedule after ours was added."""
    missing = missing_entries()
    if not missing:
        return []
    return [
        checks.Warning(
            f"Celery's beat does not know {', '.join(missing)}.",
            hint="Add saleor_retention.beat.entries() to CELERY_BEAT_SCHEDULE.",
            id=f"{APP}.W004",
        )
    ]


def is_mounted() -> bool:
    """Tell whether our fields are on the host's types."""
    from saleor_retention.graphql import mount

    user = host.current().graphql_types().get("User")
    return user is not None and mount.FIELD in mount.fields_of(user)


def missing_entries() -> list[str]:
    """Return the beat entries that the shop's schedule lacks."""
    schedule = getattr(settings, "CELERY_BEAT_SCHEDULE", None) or {}
    return sorted(set(beat.entries()) - set(schedule))


def _unknown_settings() -> Iterable[str]:
    known = {f"RETENTION_{name}" for name in conf.DEFAULTS}
    for name in dir(settings):
        if name.startswith("RETENTION_") and name not in known:
            there = ", ".join(sorted(known))
            yield f"{name} is no setting of saleor_retention; there are: {there}."


def _bad_numbers() -> Iterable[str]:
    for name, default in conf.DEFAULTS.items():
        value = conf.get(name)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        low = 0 if name in conf.UNLIMITED_BY_ZERO else 1
        if isinstance(default, int) and (not is_number or value < low):
            rule = f"a whole number {'above zero' if low else 'from zero on'}"
            yield f"RETENTION_{name} must be {rule}; it is {value!r}."


def _bad_keys() -> Iterable[str]:
    keys = conf.get("EMAIL_HASH_KEYS")
    if not isinstance(keys, Mapping):
        yield "RETENTION_EMAIL_HASH_KEYS must map key ids to secrets."
        return
    for key_id, secret in keys.items():
        if not isinstance(key_id, str) or not key_id or ":" in key_id:
            yield "RETENTION_EMAIL_HASH_KEYS: a key id must be text without a colon."
        if not isinstance(secret, str) or len(secret) < SECRET_LENGTH_MIN:
            yield (
                "RETENTION_EMAIL_HASH_KEYS: a secret must have at least "
                f"{SECRET_LENGTH_MIN} characters."
            )


def _bad_links() -> Iterable[str]:
    page = conf.get("CONSENT_CONFIRM_URL")
    if page and "{token}" not in str(page):
        yield "RETENTION_CONSENT_CONFIRM_URL must have {token} where the token goes."
