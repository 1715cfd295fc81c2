"""The mail of a double opt-in, which the shop itself sends."""

from __future__ import annotations

import logging

from django.utils import translation
from django.utils.translation import gettext as _

from saleor_retention import conf
from saleor_retention.engine.campaigns.parsing import LANGUAGES
from saleor_retention.engine.campaigns.terms import normal_language
from saleor_retention.models import ConsentEntry
from saleor_retention.services.campaigning.messages import Rendered
from saleor_retention.services.campaigning.providers import Mail, NotTaken, Outgoing
from saleor_retention.services.membership.profiles import profile_of

logger = logging.getLogger(__name__)


def send(request: ConsentEntry, *, token: str, address: str, text: str) -> bool:
    """Mail the link of a request; return whether the mail server took it.

    ``text`` is what the customer agrees to. False without ``RETENTION_CONSENT_CONFIRM_URL``, which
    says where the link leads. In the customer's language, where it is known.
    """
    page = str(conf.get("CONSENT_CONFIRM_URL"))
    if not page:
        return False
    wanted = normal_language(profile_of(request.account_id).language)
    language = wanted if wanted in LANGUAGES else LANGUAGES[0]
    with translation.override(language):
        words = Rendered(
            subject=_("Please confirm: %(program)s") % {"program": request.account.program.name},
            text="\n\n".join(
                (
                    text,
                    _("Follow this link to agree:"),
                    page.replace("{token}", token),
                    _("If you did not ask for this, do nothing, and you will get no more mail."),
                )
            ),
            html="",
            language=language,
        )
    try:
        Mail(request.account.program).send(
            Outgoing(to=address, words=words, key=f"consent-{request.pk}")
        )
    except NotTaken as fault:
        logger.warning("The link of consent %d was not taken: %s", request.pk, fault.why)
        return False
    return True
