"""Which program a customer enrols in or leaves."""

from __future__ import annotations

from saleor_retention import host
from saleor_retention.engine.phrases import _, phrase
from saleor_retention.errors import Code, Refusal
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Program, ProgramChannel


def program_in(slug: str | None) -> tuple[ChannelFacts, Program]:
    """Return the channel and its active program; without a slug, those of the only program.

    Refuses NOT_FOUND (no such channel), REQUIRED (several programs run) and PROGRAM_INACTIVE.
    """
    places = {place.ref: place for place in host.current().channels()}
    if slug is not None:
        places = {ref: place for ref, place in places.items() if place.slug == slug}
        if not places:
            message = phrase(_('There is no channel "%(channel)s".'), channel=slug)
            raise Refusal(Code.NOT_FOUND, message, "channel")
    running = list(
        ProgramChannel.objects.select_related("program__current_version").filter(
            channel_ref__in=places, is_active=True, program__is_active=True
        )
    )
    if not running:
        raise Refusal(Code.PROGRAM_INACTIVE, phrase(_("No program is active here.")), "channel")
    if len({row.program_id for row in running}) > 1:
        message = phrase(_("Several programs are active: name a channel."))
        raise Refusal(Code.REQUIRED, message, "channel")
    by_ref = {row.channel_ref: row.program for row in running}
    return next((places[ref], by_ref[ref]) for ref in places if ref in by_ref)
