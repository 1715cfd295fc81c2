"""Saleor 2.10.1 as a local shop with our plugin: on Django 3.2, without outside services.

For the loopback interface only: this Saleor and this Django are end of life and must not face the
internet.
"""

from __future__ import annotations

import os

import django.forms.boundfield
import django.forms.forms

from sandbox import paths
from sandbox.keepsakes import keepsake

# Saleor 2.10.1 imports a name that Django removed in 3.1.
django.forms.forms.BoundField = django.forms.boundfield.BoundField

os.environ.update(
    SECRET_KEY=keepsake("secret_key", 48),  # kept, so that logins survive a restart
    DEBUG="False",
    ALLOWED_HOSTS="127.0.0.1,localhost,testserver",
    ALLOWED_CLIENT_HOSTS="127.0.0.1,localhost",
    ENABLE_ACCOUNT_CONFIRMATION_BY_EMAIL="False",  # there is no mailbox to confirm from
    PLAYGROUND_ENABLED="False",  # its page is not part of the published package
)

from saleor.settings import *
from saleor.settings import INSTALLED_APPS, LOGGING, PLUGINS

# The payment services whose libraries are not installed.
_ABSENT = ("stripe", "braintree", "razorpay")
PLUGINS = [plugin for plugin in PLUGINS if not any(name in plugin for name in _ABSENT)]

INSTALLED_APPS = [*INSTALLED_APPS, "saleor_retention"]
# Last, because 2.10.1 hands the price from plugin to plugin and its tax plugins ignore what came
# before.
PLUGINS = [*PLUGINS, "saleor_retention.plugin.RetentionPlugin"]

# The published package has no mail templates.
TEMPLATED_EMAIL_BACKEND = "sandbox.nullmail.Backend"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

# Other mails go to the sandbox's mail catcher where it runs; see sandbox/mailbox.py.
if port := os.environ.get("SANDBOX_SMTP_PORT"):
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(port)
    EMAIL_HOST_USER = EMAIL_HOST_PASSWORD = ""
    EMAIL_USE_TLS = EMAIL_USE_SSL = False
    DEFAULT_FROM_EMAIL = "Corner Coffee <hello@corner-coffee.example>"
    RETENTION_PUBLIC_URL = os.environ["SANDBOX_URL"]
    RETENTION_CONSENT_CONFIRM_URL = "https://corner-coffee.example/confirm?token={token}"

ROOT_URLCONF = "sandbox.urls"

MEDIA_ROOT = str(paths.MEDIA)
CELERY_BROKER_URL = ""
CELERY_TASK_ALWAYS_EAGER = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"  # what 2.10.1 was written with; Django 3.2 asks

LOGGING["root"]["level"] = "WARNING"
for _name in ("django", "django.server", "saleor"):
    LOGGING["loggers"][_name] = {"handlers": ["console"], "level": "WARNING", "propagate": False}
# Tasks run at once, and kombu warns that there is no broker.
LOGGING["loggers"]["kombu"] = {"handlers": ["console"], "level": "ERROR", "propagate": False}
