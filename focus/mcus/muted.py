"""Streams that were muted by name on an MCU that is lost: their users come back muted."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import AddUser, Endpoint, Filter, Media, ModifyEndpointMedia, guid_key
from focus.mcus.intent import blocks_ingress
from focus.mcus.relay import Relay
from sip import AddressOfRecord

#: How much of the key of a stream names its endpoint: user and endpoint.
_ENDPOINT: Final = 2


class MutedUsers:
    """Filters of streams. Nothing is kept while no MCU is lost.

    An endpoint comes back with what was done to its streams. One that nothing is known of, since a phone that is
    called again is another endpoint, takes those of the endpoint of its user that is gone the longest.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.filters: dict[tuple[str, ...], Media] = {}  #: by user, endpoint and stream (keys)

    def remember(self, stream: tuple[str, ...], command: ModifyEndpointMedia) -> None:
        """The stream to which this was done is gone with its MCU; the oldest give way."""
        media = command.media
        blocked = media is not None and blocks_ingress(media)
        if media is None or not (blocked or media.egress_filter == Filter.BLOCK):
            return
        self.filters[stream] = attrs.evolve(media, ingress_filter=Filter.BLOCK if blocked else media.ingress_filter)
        while len(self.filters) > self._limit:
            del self.filters[next(iter(self.filters))]

    def come_back(self, command: AddUser) -> None:
        """An endpoint is on the next MCU; from now on that keeps the filters."""
        for stream in self._streams(command):
            del self.filters[stream]

    def mute(self, relay: Relay) -> None:
        """Put the filters into the addUser that brings an endpoint back."""
        command = relay.command
        assert isinstance(command, AddUser)
        endpoint, found = command.endpoint, [self.filters[stream] for stream in self._streams(command)]
        if endpoint is not None and found:
            endpoint = _muted(endpoint, found)
            relay.command = attrs.evolve(command, user=attrs.evolve(command.user, endpoints=(endpoint,)))

    def _streams(self, command: AddUser) -> list[tuple[str, ...]]:
        """The keys of the streams that an addUser brings back."""
        if not self.filters or command.endpoint is None:
            return []
        user = AddressOfRecord.read(command.user.entity).key
        ours = [stream for stream in self.filters if stream[0] == user]
        named = (user, guid_key(command.endpoint.entity))
        same = [stream for stream in ours if stream[:_ENDPOINT] == named]
        return same or [stream for stream in ours if stream[:_ENDPOINT] == ours[0][:_ENDPOINT]]


def _muted(endpoint: Endpoint, filters: list[Media]) -> Endpoint:
    others, muted = list(endpoint.media), []
    for one in filters:
        stream = next((each for kind in (one.type, None) for each in others if each.type == kind), None)
        if stream is not None:
            others.remove(stream)
        muted.append(
            attrs.evolve(
                stream or Media(id=one.id, type=one.type),
                ingress_filter=one.ingress_filter,
                egress_filter=one.egress_filter,
            )
        )
    return attrs.evolve(endpoint, media=(*muted, *others))
