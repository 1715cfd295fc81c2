"""The shop's URLs: Saleor's, and the plugin's pages, which Saleor 2.10 does not find by itself."""

from __future__ import annotations

from django.urls import include, path
from saleor.urls import urlpatterns as of_saleor

urlpatterns = [path("", include("saleor_retention.urls")), *of_saleor]
