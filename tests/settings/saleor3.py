"""Test settings on Saleor 3.x: its own settings, with nothing that leaves the machine.

The plugin is not named here: Saleor finds it through its entry point, as in a shop.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEYS = Path(os.environ["RETENTION_SECRETS"])


def rsa_key() -> str:
    """Return the key that signs logins, generated once for all runs (it takes a while)."""
    file = KEYS / "rsa.pem"
    if not file.exists():
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        text = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(text)
        temporary.chmod(0o600)
        temporary.replace(file)
    return file.read_text()


os.environ.update(
    SECRET_KEY=secrets.token_urlsafe(48),
    RSA_PRIVATE_KEY=rsa_key(),
    DEBUG="False",
    ALLOWED_HOSTS="*",
    ALLOWED_CLIENT_HOSTS="localhost,127.0.0.1",
    CACHE_URL="locmem://",
    CELERY_BROKER_URL="",
    PUBLIC_URL="http://localhost:8000/",
    POPULATE_DEFAULTS="False",
    PLAYGROUND_ENABLED="False",
)

from saleor.settings import *
from saleor.settings import INSTALLED_APPS, LOGGING, MIDDLEWARE

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = []
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
DEFAULT_CHANNEL_SLUG = "main"

# As in Saleor's own suite: a write outside `allow_writer` in a request or a task is an error, not a
# line in a log.
MIDDLEWARE = ["saleor.core.db.connection.restrict_writer_middleware", *MIDDLEWARE]
CELERY_RESTRICT_WRITER_METHOD = "saleor.core.db.connection.restrict_writer"
BREAKER_BOARD_ENABLED = False
HTTP_IP_FILTER_ENABLED = False

# The tables come from the models (their 1,431 migrations take minutes); our own migrations really
# run.
MIGRATION_MODULES = {
    app.rsplit(".", 1)[-1]: None for app in INSTALLED_APPS if app != "saleor_retention"
}

LOGGING["root"]["level"] = "ERROR"
for _logger in LOGGING["loggers"].values():
    _logger["level"] = "ERROR"
