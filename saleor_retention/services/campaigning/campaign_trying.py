"""Try a campaign's message out: send it to one address, with made-up facts, as a customer gets it.

No benefit is given, and nothing is written down but who sent it; consent is not asked: the address
is staff's own.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from saleor_retention.engine.campaigns.terms import CampaignTerms, Channel
from saleor_retention.errors import Code, Refusal
from saleor_retention.models import AuditAction, Campaign, Program
from saleor_retention.services.campaigning import campaign_trail
from saleor_retention.services.campaigning.campaigns import terms_of
from saleor_retention.services.campaigning.messages import NAMES, Rendered, render
from saleor_retention.services.campaigning.providers import (
    NotTaken,
    Outgoing,
    provider_of,
    require_way_out,
)

SAMPLES = {
    "first_name": "Ada",
    "last_name": "Example",
    "points": "1200",
    "expiring_points": "300",
    "expiring_on": "2030-12-31",
    "tier": "vip",
    "coupon": "SAMPLE-CODE",
    "offer": "Birthday gift",
    "expiring_coupon": "SAMPLE-CODE",
    "occasion_on": "2030-06-15",
    "order_number": "1024",
    "product": "Green tea",
    "variant_id": "UHJvZHVjdFZhcmlhbnQ6MA==",
    "run_out_from": "2030-06-12",
    "run_out_until": "2030-06-19",
    "run_out_is_firm": "yes",
    "announced": "Spring tea",
    "announced_id": "UHJvZHVjdDow",
}


def rendered(campaign: Campaign, *, to: str = "", language: str = "") -> Rendered:
    """Return a campaign's message with made-up facts; INVALID where it has none."""
    words = rendered_of(campaign.program, terms_of(campaign), to=to, language=language)
    if words is None:
        raise Refusal(Code.INVALID, "This campaign has no message.", "id")
    return words


def rendered_of(
    program: Program, terms: CampaignTerms, *, to: str = "", language: str = ""
) -> Rendered | None:
    """Return the message of terms, saved or not, with made-up facts; None where they have none."""
    if terms.message is None:
        return None
    benefit = terms.benefit
    own = {
        "program": program.name,
        "email": to,
        "benefit_points": str(benefit.points) if benefit.points else "",
        "coupon": SAMPLES["coupon"] if benefit.coupon_kind else "",
        "offer": SAMPLES["offer"] if benefit.offer else "",
        "feedback": terms.message.feedback,
    }
    values = dict.fromkeys(NAMES, "") | SAMPLES | own
    return render(terms.message, values, language)


def send_test(campaign: Campaign, *, to: str, language: str = "", actor_ref: str = "") -> Rendered:
    """Send it to an e-mail address or phone number, and note who did; not where it went.

    Refusals: INVALID (no message, no address, no provider, or the provider did not take it).
    """
    words = rendered(campaign, to=to, language=language)
    message = terms_of(campaign).message
    if message is None:
        raise Refusal(Code.INVALID, "This campaign has no message.", "id")
    if message.channel is Channel.EMAIL:
        try:
            validate_email(to)
        except ValidationError:
            raise Refusal(Code.INVALID, "That is no e-mail address.", "to") from None
    require_way_out(message, campaign.program)
    try:
        provider_of(message, campaign.program).send(
            Outgoing(to=to, words=words, key=f"{campaign.slug}-test")
        )
    except NotTaken as fault:
        raise Refusal(Code.INVALID, f"The message was not taken: {fault.why}.", "to") from None
    with transaction.atomic():
        action = AuditAction.CAMPAIGN_TEST
        campaign_trail.note(action, campaign, actor_ref=actor_ref, at=timezone.now())
    return words
