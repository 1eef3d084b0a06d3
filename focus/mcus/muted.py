"""Streams that were muted by name on an MCU that is lost: their users come back muted."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import AddUser, Endpoint, Filter, Media, MediaKeys, ModifyEndpointMedia, guid_key
from focus.mcus.intent import Intent, IntentState, blocks_ingress, intent_life, is_muting, key_of
from focus.mcus.relay import Relay
from sip import AddressOfRecord

#: How much of the key of a stream names its endpoint: user and endpoint.
_ENDPOINT: Final = 2


class MutedUsers:
    """Filters of streams. Nothing is kept while no MCU is lost, and nothing gives way: who holds it sees to its size.

    An endpoint comes back with what was done to its streams. One that nothing is known of, since a phone that is
    called again is another endpoint, takes those of the endpoint of its user that is gone the longest.
    """

    def __init__(self) -> None:
        self.filters: dict[tuple[str, ...], Media] = {}  #: by user, endpoint and stream (keys)

    def remember(self, stream: tuple[str, ...], command: ModifyEndpointMedia) -> None:
        """The stream to which this was done is gone with its MCU."""
        media = command.media
        if media is None or not is_muting(command):
            return
        blocked = blocks_ingress(media)
        self.filters[stream] = attrs.evolve(media, ingress_filter=Filter.BLOCK if blocked else media.ingress_filter)

    def come_back(self, command: AddUser) -> list[Intent]:
        """An endpoint is on the next MCU. From now on the filters are wanted of that, as if each had been commanded."""
        endpoint, wanted = command.endpoint, []
        sent = list(endpoint.media) if endpoint is not None else []
        for stream in self._streams(command):
            assert endpoint is not None
            media = self.filters.pop(stream)
            there = next((each for each in sent if _is_filtered_as(each, media)), None)
            if there is not None:  # else it became known when the command was on its way
                sent.remove(there)
                wanted.append(_intent(command, endpoint.entity, attrs.evolve(media, id=there.id)))
        return wanted

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


def _is_filtered_as(stream: Media, wanted: Media) -> bool:
    same = (stream.ingress_filter, stream.egress_filter) == (wanted.ingress_filter, wanted.egress_filter)
    return same and stream.type in (wanted.type, None)


def _intent(back: AddUser, endpoint: str, media: Media) -> Intent:
    """That a stream stays as it was sent with the addUser."""
    keys = MediaKeys(
        conf_entity=back.conference_keys.conf_entity or "",
        user_entity=back.user.entity,
        endpoint_entity=endpoint,
        media_id=media.id,
    )
    command = ModifyEndpointMedia(mcu_uri=back.mcu_uri, media_keys=keys, media=media)
    key = key_of(command)
    assert key is not None
    return Intent(key, command, life=intent_life(IntentState.AGREED))


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
