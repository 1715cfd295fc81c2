"""Programs and channels, which a request asks for again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promise import Promise

from saleor_retention import host
from saleor_retention.graphql.dataloaders.base import Loader
from saleor_retention.host.contract import ChannelFacts
from saleor_retention.models import Program, ProgramChannel


class ProgramById(Loader[int, Program]):
    """Program by primary key, with its current version and the channels it runs in."""

    def find(self, keys: Sequence[int]) -> Mapping[int, Program]:
        """Read programs and their channels in two statements."""
        found = Program.objects.select_related("current_version").prefetch_related("channels")
        return {program.pk: program for program in found.filter(pk__in=keys)}


class ActiveProgramId(Loader[str, int]):
    """Primary key of the active program by channel reference."""

    def find(self, keys: Sequence[str]) -> Mapping[str, int]:
        """Read them in one statement."""
        places = ProgramChannel.objects.filter(
            channel_ref__in=keys, is_active=True, program__is_active=True
        )
        return dict(places.values_list("channel_ref", "program_id"))


class Channels(Loader[str, Any]):
    """The shop's channels, all under one key."""

    def find(self, keys: Sequence[str]) -> Mapping[str, Any]:
        """Ask the host once."""
        channels = tuple(host.current().channels())
        return dict.fromkeys(keys, channels)


def channels(info: Any) -> Any:
    """Promise every channel of the shop."""
    return Channels.of(info).load("all")


def program_channels(info: Any, program_id: int) -> Any:
    """Promise the names of a program's channels by reference, in the shop's order."""

    def named(found: list[Any]) -> dict[str, str]:
        program, places = found
        own = {place.channel_ref for place in program.channels.all()}
        return {place.ref: place.name for place in places if place.ref in own}

    return Promise.all([ProgramById.of(info).load(program_id), channels(info)]).then(named)


def by_slug(places: Sequence[ChannelFacts], slug: str) -> ChannelFacts | None:
    """Return the channel of that slug, or None."""
    return next((place for place in places if place.slug == slug), None)
