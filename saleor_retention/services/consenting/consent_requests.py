"""The mail of a double opt-in: by the shop's mail, where the page that it leads to is known.

Where it is not, or no mail leaves, what it needs is told to the shop's mail providers, as an event.
"""

from __future__ import annotations

import datetime as dt
import logging

from saleor_retention import conf, host
from saleor_retention.models import ConsentEntry, ConsentState
from saleor_retention.selectors.consents import latest
from saleor_retention.selectors.programs import rules_of
from saleor_retention.services.consenting import consent_mail
from saleor_retention.services.consenting.consent_links import confirmation_token

logger = logging.getLogger(__name__)

EVENT = "retention_consent_requested"


def announce(request_id: int) -> bool:
    """Have the link of a request mailed to its customer; return whether somebody was told.

    Nothing is mailed for a request that is no longer the latest word, or whose customer is gone.
    The payload has the ``token`` that ``retentionConsentConfirm`` takes, never to be logged.
    """
    entries = ConsentEntry.objects.select_related("account__program", "version")
    request = entries.filter(pk=request_id, state=ConsentState.REQUESTED).first()
    if request is None or latest(request.account_id, request.channel, request.purpose) != request:
        return False
    token = confirmation_token(request)
    if token is None:
        return False
    user_ref = str(request.account.user_id)
    address = host.current().users([user_ref])[user_ref].email
    question = rules_of(request.version_id).questions.consent(request.channel, request.purpose)
    text = "" if question is None else question.text
    lasts = dt.timedelta(hours=int(conf.get("CONSENT_CONFIRM_HOURS")))
    is_told = consent_mail.send(
        request, token=token, address=address, text=text
    ) or host.current().notify(
        EVENT,
        {
            "recipient_email": address,
            "token": token,
            "expires_at": (request.at + lasts).isoformat(),
            "program": request.account.program.name,
            "channel": request.channel,
            "purpose": request.purpose,
            "text": text,
            "text_version": request.text_version,
        },
    )
    if not is_told:
        logger.warning("Nobody mailed the link of consent %d.", request.pk)
    return is_told
