"""Conference-info documents that an MCU writes (RFC 4575 section 5, MS-CONFBAS): minimal, one change each."""

from __future__ import annotations

from collections.abc import Callable

from c3p import (
    AccessMethod,
    AuthMethod,
    ConferenceInfo,
    ConferenceView,
    Endpoint,
    EntityState,
    EntityView,
    ExecutionInfo,
    Filter,
    Media,
    MediaStatus,
    State,
    Status,
    User,
    Users,
)
from mcu.conference import Conference
from mcu.kind import Kind
from mcu.leg import Disconnection, Leg
from rtp import Direction

#: What the participant does, from what we do (MS-CONFAV).
_STATUS = {
    Direction.SENDRECV: MediaStatus.SENDRECV,
    Direction.RECVONLY: MediaStatus.SENDONLY,
    Direction.SENDONLY: MediaStatus.RECVONLY,
    Direction.INACTIVE: MediaStatus.INACTIVE,
}


class Documents:
    """Writes documents of one kind of MCU. ``timestamp`` turns a monotonic time into an xs:dateTime in UTC."""

    def __init__(self, kind: Kind, timestamp: Callable[[float], str]) -> None:
        self._kind, self._timestamp = kind, timestamp

    # Whole documents -------------------------------------------------------------------------------------------------

    def full(self, conference: Conference, version: int | None = None) -> ConferenceInfo:
        """All that this MCU knows of the conference."""
        users = tuple(
            self._user(user, State.FULL, legs, tuple(self.endpoint(leg) for leg in legs))
            for user, legs in conference.users()
        )
        return ConferenceInfo(
            entity=conference.uri,
            state=State.FULL,
            version=version,
            users=Users(state=State.FULL, users=users),
            conference_view=ConferenceView(state=State.FULL, views=(self.view(conference),)),
        )

    def view(self, conference: Conference) -> EntityView:
        """The entity-view of this MCU."""
        return EntityView(
            entity=conference.mcu_uri,
            state=State.FULL,
            capabilities=self._kind.capabilities,
            entity_state=EntityState(
                active=conference.active,
                locked=conference.locked,
                media_filters_rules=conference.filters,
                media=(self._kind.entry,),
                entry_exit_announcements=conference.announcements,
                active_speaker=conference.active_speaker,
            ),
        )

    # Changes ---------------------------------------------------------------------------------------------------------

    def added(self, leg: Leg) -> ConferenceInfo:
        """A leg that was not there before; its user with it when this is the first one."""
        legs = leg.conference.legs_of(leg.user_key)
        state = State.FULL if len(legs) == 1 else State.PARTIAL
        return self._partial(leg, self._user(leg.user, state, [leg], (self.endpoint(leg),)))

    def connected(self, leg: Leg) -> ConferenceInfo:
        """The leg as it is now, whole."""
        return self._endpoint_change(leg, self.endpoint(leg))

    def status(self, leg: Leg) -> ConferenceInfo:
        """Nothing but the status changed."""
        return self._endpoint_change(leg, self._change(leg))

    def media(self, leg: Leg) -> ConferenceInfo:
        """Direction or filter of the audio changed; the status may have, too (hold)."""
        return self._endpoint_change(leg, self._change(leg, media=(self.stream(leg),)))

    def roles(self, leg: Leg) -> ConferenceInfo:
        """The role as the MCU knows it changed."""
        return self._endpoint_change(leg, self._change(leg, roles=(leg.role,)))

    def disconnected(self, leg: Leg, disconnection: Disconnection, now: float) -> ConferenceInfo:
        """The last report of a leg."""
        info = ExecutionInfo(when=self._timestamp(now), reason=disconnection.reason, by=disconnection.by)
        change = self._change(
            leg, status=Status.DISCONNECTED, disconnection_method=disconnection.method, disconnection_info=info
        )
        return self._endpoint_change(leg, change)

    def removed(self, leg: Leg) -> ConferenceInfo:
        """A leg that is gone; its user with it when that was the last one. Call it after the removal."""
        endpoint = Endpoint(entity=leg.endpoint, state=State.DELETED, session_type=self._kind.session_type)
        if leg.conference.legs_of(leg.user_key):
            return self._endpoint_change(leg, endpoint)
        return self._partial(leg, User(entity=leg.user, state=State.DELETED))

    def view_changed(self, conference: Conference) -> ConferenceInfo:
        """A setting of the conference changed."""
        return ConferenceInfo(
            entity=conference.uri,
            state=State.PARTIAL,
            conference_view=ConferenceView(state=State.PARTIAL, views=(self.view(conference),)),
        )

    # Parts -----------------------------------------------------------------------------------------------------------

    def endpoint(self, leg: Leg) -> Endpoint:
        """The endpoint of a leg, whole."""
        known = leg.connected_at is not None
        return Endpoint(
            entity=leg.endpoint,
            state=State.FULL,
            session_type=self._kind.session_type,
            endpoint_uri=leg.endpoint_uri,
            asserted_identity=leg.asserted_identity,
            display_text=leg.display_name,
            status=leg.status,
            joining_method=leg.joining_method,
            joining_info=ExecutionInfo(
                when=self._timestamp(leg.created_at), by=None if leg.originator is None else leg.originator.text
            ),
            media=(self.stream(leg),) if known else (),
            roles=(leg.role,),
            auth_method=AuthMethod.ENTERPRISE if known else None,
            access_method=AccessMethod.INTERNAL if known else None,
            wrong_passcodes=_wrong_passcodes(leg),
        )

    def stream(self, leg: Leg) -> Media:
        """The stream of a leg, as its participant sees it: ``recvonly`` when muted."""
        blocked = leg.ingress_blocked
        direction = leg.direction
        if blocked:
            direction = Direction.of(sends=direction.sends, receives=False)
        source = leg.source_id if self._kind.sources else None
        return Media(
            id=leg.media_id,
            type=self._kind.media_type,
            label=self._kind.label,
            src_id=source,
            status=_STATUS[direction],
            ingress_filter=Filter.BLOCK if blocked else Filter.UNBLOCK,
            egress_filter=Filter.BLOCK if leg.egress_blocked else Filter.UNBLOCK,
            media_source_id=source,
        )

    def _change(
        self,
        leg: Leg,
        *,
        status: str | None = None,
        media: tuple[Media, ...] = (),
        roles: tuple[str, ...] = (),
        disconnection_method: str | None = None,
        disconnection_info: ExecutionInfo | None = None,
    ) -> Endpoint:
        return Endpoint(
            entity=leg.endpoint,
            state=State.PARTIAL,
            session_type=self._kind.session_type,
            status=status or leg.status,
            media=media,
            roles=roles,
            disconnection_method=disconnection_method,
            disconnection_info=disconnection_info,
            wrong_passcodes=_wrong_passcodes(leg),
        )

    def _endpoint_change(self, leg: Leg, endpoint: Endpoint) -> ConferenceInfo:
        return self._partial(leg, User(entity=leg.user, state=State.PARTIAL, endpoints=(endpoint,)))

    def _partial(self, leg: Leg, user: User) -> ConferenceInfo:
        return ConferenceInfo(
            entity=leg.conference.uri, state=State.PARTIAL, users=Users(state=State.PARTIAL, users=(user,))
        )

    def _user(self, entity: str, state: State, legs: list[Leg], endpoints: tuple[Endpoint, ...]) -> User:
        return User(
            entity=entity, state=state, display_text=legs[0].display_name, roles=(legs[0].role,), endpoints=endpoints
        )


def _wrong_passcodes(leg: Leg) -> int | None:
    return (leg.door.wrong or None) if leg.door is not None else None
