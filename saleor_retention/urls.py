"""The plugin's pages, for a shop whose Saleor gives plugins no path of their own (2.10).

Saleor 3 serves the same at the same path by itself. Include it at the root of the shop's URLs:
``path("", include("saleor_retention.urls"))``.
"""

from __future__ import annotations

from django.urls import path

from saleor_retention import conf
from saleor_retention.unsubscribing import unsubscribe

urlpatterns = [
    path(f"plugins/{conf.PLUGIN_ID}/unsubscribe/<str:token>", unsubscribe),
    path(f"plugins/{conf.PLUGIN_ID}/unsubscribe/<str:token>/", unsubscribe),
]
