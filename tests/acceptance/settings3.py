"""Settings of the server that the stories talk to: the test settings, shared by two processes.

The server and the back room (which seeds and runs tasks) belong to one shop, so the secret key
comes from the environment and is not made up by each.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from tests.checked_quotes import check_in_this_process
from tests.settings.saleor3 import *
from tests.settings.saleor3 import LOGGING, MIDDLEWARE

SECRET_KEY = os.environ["ACCEPTANCE_SECRET_KEY"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
DEFAULT_CHANNEL_SLUG = "channel-usd"
SEND_USAGE_TELEMETRY = False
JWT_TTL_ACCESS = dt.timedelta(hours=6)

# Saleor itself reads the writer's database in some places where it should not, so such a statement
# is logged here and no error; at the end of a run ours are looked for in that log.
MIDDLEWARE = [
    "saleor.core.db.connection.log_writer_usage_middleware",
    *(name for name in MIDDLEWARE if not name.endswith(".restrict_writer_middleware")),
]
CELERY_RESTRICT_WRITER_METHOD = "saleor.core.db.connection.log_writer_usage"
LOGGING["handlers"]["writer"] = {
    "class": "logging.FileHandler",
    "filename": os.environ["ACCEPTANCE_WRITER_LOG"],
    "delay": True,
}
LOGGING["loggers"]["saleor.core.db.connection"] = {
    "handlers": ["writer"],
    "level": "WARNING",
    "propagate": False,
}

# Every price that the server or the back room searches is held to the separate checker.
check_in_this_process(Path(os.environ["ACCEPTANCE_QUOTE_LOG"]))

# A refusal that a shopper provokes is no news; a fault of ours is.
LOGGING["loggers"]["saleor_retention"] = {
    "handlers": ["default"],
    "level": "WARNING",
    "propagate": False,
}
