"""Users who were muted by name on an MCU that is lost: they come back muted."""

from __future__ import annotations

import attrs

from c3p import AddUser, Filter, Media, ModifyEndpointMedia
from focus.mcus.intent import blocks_ingress
from focus.mcus.relay import Relay
from sip import AddressOfRecord


class MutedUsers:
    """Filters by user (key). Nothing is kept while no MCU is lost."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.filters: dict[str, Media] = {}  #: by user (key)

    def remember(self, command: ModifyEndpointMedia) -> None:
        """The stream to which this was done is gone with its MCU; the oldest give way."""
        media = command.media
        blocked = media is not None and blocks_ingress(media)
        if media is None or not (blocked or media.egress_filter == Filter.BLOCK):
            return
        user = AddressOfRecord.read(command.media_keys.user_entity).key
        self.filters[user] = attrs.evolve(media, ingress_filter=Filter.BLOCK if blocked else media.ingress_filter)
        while len(self.filters) > self._limit:
            del self.filters[next(iter(self.filters))]

    def come_back(self, user: str) -> None:
        """A user (key) is on the next MCU; from now on that keeps the filters."""
        self.filters.pop(user, None)

    def mute(self, relay: Relay) -> None:
        """Put the filters of the user into the addUser that brings it back."""
        command = relay.command
        assert isinstance(command, AddUser)
        endpoint = command.endpoint
        filters = self.filters.get(AddressOfRecord.read(command.user.entity).key) if self.filters else None
        if filters is None or endpoint is None:
            return
        stream = next((one for one in endpoint.media if one.type in (filters.type, None)), None)
        muted = attrs.evolve(
            stream or Media(id=filters.id, type=filters.type),
            ingress_filter=filters.ingress_filter,
            egress_filter=filters.egress_filter,
        )
        others = tuple(one for one in endpoint.media if one is not stream)
        endpoint = attrs.evolve(endpoint, media=(muted, *others))
        relay.command = attrs.evolve(command, user=attrs.evolve(command.user, endpoints=(endpoint,)))
