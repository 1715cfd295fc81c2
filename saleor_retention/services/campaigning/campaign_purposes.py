"""Whether a program asks for the consent that a campaign's message needs."""

from __future__ import annotations

from saleor_retention.engine.campaigns.terms import CampaignTerms
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import Program
from saleor_retention.selectors.programs import rules_of


def refusal_of(program: Program, terms: CampaignTerms) -> Refusal | None:
    """Return why everybody would be left out for want of a consent, or None.

    What the program asks now counts: nobody can agree to what is asked nowhere.
    """
    message = terms.message
    if message is None:
        return None
    channel = message.channel.value
    questions = rules_of(program.current_version_id).questions
    if questions.consent(channel, message.purpose) is not None:
        return None
    asked = [one.purpose for one in questions.consents if one.channel == channel]
    named = f"it asks for {', '.join(asked)}" if asked else "it asks for none by that channel"
    text = (
        f'This program asks nobody for the consent to "{message.purpose}" by {channel}; {named}. '
        "Name one of its purposes, or add the consent to its questions."
    )
    return Refusal(Code.INVALID, text, "message.purpose")
