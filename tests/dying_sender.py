"""A worker that sends campaigns' messages and is killed at one point of the first of them.

``python -m tests.dying_sender WHEN PORT`` sends what is due to the mail server at that port of the
loopback interface. WHEN is where SIGKILL comes: ``claimed`` (nothing is written down yet but the
claim), ``sending`` (that it is being sent is written down, and nothing was handed over) or ``sent``
(the mail server has taken it, and that is not written down).
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

PLACES = {
    "claimed": "saleor_retention.services.campaigning.sending._see_to",
    "sending": "saleor_retention.services.campaigning.sending._hand_over",
    "sent": "saleor_retention.services.campaigning.sending._finish",
}


def main(when: str, port: str) -> None:
    """Send, and be killed."""
    import django

    django.setup()
    from unittest import mock

    from django.conf import settings

    from saleor_retention.services.campaigning import sending
    from tests import mails

    mails.use(settings, int(port))

    def die(*_args: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with mock.patch(PLACES[when], die):
        sending.send_due()


if __name__ == "__main__":
    main(*sys.argv[1:])
