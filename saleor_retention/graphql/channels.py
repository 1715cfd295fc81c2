"""Which channel a query speaks of, and which program runs there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql.error import GraphQLError

from saleor_retention.graphql.dataloaders.programs import ActiveProgramId, by_slug, channels
from saleor_retention.host.contract import ChannelFacts


def channel_named(info: Any, slug: str | None) -> Any:
    """Promise the channel of that slug; without one, the shop's only channel.

    ``GraphQLError`` for a slug that no channel has, and where several channels leave it open.
    """
    return channels(info).then(lambda places: _chosen(places, slug))


def program_id_in(info: Any, channel: ChannelFacts) -> Any:
    """Promise the id of the program that runs in the channel, or None."""
    return ActiveProgramId.of(info).load(channel.ref)


def place_of_member(info: Any, slug: str | None) -> Any:
    """Promise (channel, program id) for a member who may have named a channel.

    Without one: the only channel in which a program runs, or all channels of one program, whose
    first is taken. (None, None) where no program runs.
    """
    if slug is not None:
        return channel_named(info, slug).then(
            lambda channel: program_id_in(info, channel).then(lambda found: (channel, found))
        )

    def with_programs(places: Sequence[ChannelFacts]) -> Any:
        refs = [place.ref for place in places]
        return ActiveProgramId.of(info).load_many(refs).then(lambda ids: _only(places, ids))

    return channels(info).then(with_programs)


def _chosen(places: Sequence[ChannelFacts], slug: str | None) -> ChannelFacts:
    if slug is None:
        if len(places) == 1:
            return places[0]
        raise GraphQLError("The shop has several channels: name one in `channel`.")
    place = by_slug(places, slug)
    if place is None:
        raise GraphQLError(f'There is no channel "{slug}".')
    return place


def _only(
    places: Sequence[ChannelFacts], program_ids: Sequence[int | None]
) -> tuple[ChannelFacts | None, int | None]:
    running = [
        (place, program_id)
        for place, program_id in zip(places, program_ids, strict=True)
        if program_id is not None
    ]
    if not running:
        return None, None
    if len({program_id for _, program_id in running}) > 1:
        raise GraphQLError("Several programs are active: name a `channel`.")
    return running[0]
