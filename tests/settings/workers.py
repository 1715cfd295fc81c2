"""Settings of worker processes: the test settings of the running Saleor, with a broker."""

from __future__ import annotations

import os

if os.environ["RETENTION_HOST"].startswith("3."):
    from tests.settings.saleor3 import *
    from tests.settings.saleor3 import LOGGING
else:
    from tests.settings.saleor2 import *
    from tests.settings.saleor2 import LOGGING

SECRET_KEY = os.environ["WORKERS_SECRET_KEY"]  # one shop, several processes
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
if "WORKERS_MAIL_PORT" in os.environ:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(os.environ["WORKERS_MAIL_PORT"])
    EMAIL_HOST_USER = EMAIL_HOST_PASSWORD = ""
    EMAIL_USE_TLS = EMAIL_USE_SSL = False
    RETENTION_PUBLIC_URL = "https://api.example.com"
CELERY_BROKER_URL = os.environ["WORKERS_BROKER"]
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": int(os.environ["WORKERS_VISIBILITY"])}
CELERY_TASK_ALWAYS_EAGER = False
RETENTION_EXPIRE_BATCH = int(os.environ["WORKERS_BATCH"])

# What each run did is asked for by the tests; faults are for whoever reads the log.
LOGGING["formatters"]["workers"] = {"format": "%(levelname)s %(name)s %(message)s"}
LOGGING["handlers"]["workers"] = {"class": "logging.StreamHandler", "formatter": "workers"}
LOGGING["loggers"]["saleor_retention"] = {
    "handlers": ["workers"],
    "level": "INFO",
    "propagate": False,
}
