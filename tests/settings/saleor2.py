"""Test settings on Saleor 2.10.1: the sandbox shop with cheap passwords."""

from __future__ import annotations

from sandbox.settings import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = []
MIGRATION_MODULES = {
    app.rsplit(".", 1)[-1]: None for app in INSTALLED_APPS if app != "saleor_retention"
}
