"""The mail server of Saleor's own plugin for mails to users, which it keeps channel by channel.

What the plugin leaves open comes from ``USER_EMAIL_URL``, as Saleor itself completes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from email.headerregistry import Address
from typing import Any

from django.conf import settings
from saleor.plugins.models import PluginConfiguration
from saleor.plugins.user_email.constants import PLUGIN_ID

from saleor_retention.host.contract import MailServer
from saleor_retention.host.goods import numbers

PLUGIN = "saleor.plugins.user_email.plugin.UserEmailPlugin"


def mail_server(channel_refs: Collection[str]) -> MailServer | None:
    """Return the server of the first channel, by slug, in which the plugin is on and can send."""
    if PLUGIN not in settings.PLUGINS or not channel_refs:
        return None
    rows = PluginConfiguration.objects.filter(
        identifier=PLUGIN_ID, active=True, channel_id__in=numbers(channel_refs)
    )
    for slug, items in rows.order_by("channel__slug").values_list("channel__slug", "configuration"):
        kept = {item["name"]: item["value"] for item in items or ()}
        server = _server(kept, slug)
        if server is not None:
            return server
    return None


def _server(kept: Mapping[str, Any], channel: str) -> MailServer | None:
    """Return the server of one configuration; None where it has no server or no sender."""
    host = str(kept.get("host") or settings.USER_EMAIL_HOST)
    sender = str(kept.get("sender_address") or "")
    if not host or not sender:
        return None
    try:
        sender = str(Address(str(kept.get("sender_name") or ""), addr_spec=sender))
    except (ValueError, IndexError):  # whatever stands there, it is no address
        return None
    return MailServer(
        host=host,
        port=str(kept.get("port") or settings.USER_EMAIL_PORT),
        username=str(kept.get("username") or settings.USER_EMAIL_HOST_USER or ""),
        password=str(kept.get("password") or settings.USER_EMAIL_HOST_PASSWORD or ""),
        use_tls=bool(kept.get("use_tls") or settings.USER_EMAIL_USE_TLS),
        use_ssl=bool(kept.get("use_ssl") or settings.USER_EMAIL_USE_SSL),
        sender=sender,
        channel=channel,
    )
