"""One thing that the Focus wants of an MCU, and whether the MCU has it: the life of an intent, and the comparison.

Commands that may be carried out twice are kept until it is known that they were carried out. What they want is a key
(`key_of`), so that a later command about the same takes the place of an earlier one, and a question to what the MCU
says of the conference (`shown_in`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from c3p import (
    Command,
    DeleteUser,
    Endpoint,
    EntityState,
    EntryExitAnnouncements,
    Filter,
    Media,
    MediaStatus,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Status,
    guid_key,
)
from focus.mcus.relay import Relay
from focus.mcus.roster_part import McuPart
from sip import AddressOfRecord, Life

#: What an intent is about: a kind, and the user, endpoint and stream where it has them.
Key = tuple[str, ...]

GONE: Final = "gone"  #: a user must not be on the MCU
LOCK: Final = "lock"
FILTERS: Final = "filters"  #: rules for the media of all
ANNOUNCEMENTS: Final = "announcements"
ROLE: Final = "role"  #: of one user
MEDIA: Final = "media"  #: filters of one stream

#: What belongs to the conference and not to somebody on one MCU: it goes to the next MCU.
OF_THE_CONFERENCE: Final = frozenset({LOCK, FILTERS, ANNOUNCEMENTS})


class IntentState(enum.Enum):
    """Where it stands."""

    SENT = "sent"  #: its command is on its way, or the MCU works on it
    DOUBTED = "doubted"  #: no answer came: the MCU may have carried it out
    AGREED = "agreed"  #: the MCU has it


class IntentInput(enum.Enum):
    """What can happen to it."""

    COMMANDED = "commanded"  #: a client wants it, or something else in its place
    ANSWERED = "answered"  #: the MCU says that it was carried out
    UNANSWERED = "unanswered"
    SHOWN = "shown"  #: the state of the MCU shows it
    MISSED = "missed"  #: the whole state of the MCU does not show it: its command goes out once more
    MCU_LOST = "mcu lost"  #: it is for the next one


INTENT: Final[Mapping[tuple[IntentState, IntentInput], IntentState]] = {
    (IntentState.SENT, IntentInput.COMMANDED): IntentState.SENT,
    (IntentState.SENT, IntentInput.ANSWERED): IntentState.AGREED,
    (IntentState.SENT, IntentInput.UNANSWERED): IntentState.DOUBTED,
    (IntentState.SENT, IntentInput.MCU_LOST): IntentState.DOUBTED,
    (IntentState.DOUBTED, IntentInput.COMMANDED): IntentState.SENT,
    (IntentState.DOUBTED, IntentInput.ANSWERED): IntentState.AGREED,
    (IntentState.DOUBTED, IntentInput.SHOWN): IntentState.AGREED,
    (IntentState.DOUBTED, IntentInput.MISSED): IntentState.SENT,
    (IntentState.DOUBTED, IntentInput.MCU_LOST): IntentState.DOUBTED,
    (IntentState.AGREED, IntentInput.COMMANDED): IntentState.SENT,
    (IntentState.AGREED, IntentInput.MISSED): IntentState.SENT,
    (IntentState.AGREED, IntentInput.UNANSWERED): IntentState.DOUBTED,
    (IntentState.AGREED, IntentInput.MCU_LOST): IntentState.DOUBTED,
}


def intent_life(state: IntentState = IntentState.SENT) -> Life[IntentState, IntentInput]:
    """The life of one intent, from the first sending of its command."""
    return Life(INTENT, state, of="an intent")


@attrs.define(eq=False)
class Intent:
    """What an MCU is to have; `INTENT` is its life."""

    key: Key
    command: Command
    originator: str | None = None  #: who wanted it
    originator_role: str | None = None
    correlation: str | None = None
    carrier: str | None = None  #: requestId of the relay that was sent for it last
    before: Command | None = None  #: what the MCU had, and has when it refuses this
    seen: bool = False  #: whether the MCU had the user who is to go: then its absence means something
    relays: list[Relay] = attrs.Factory(list)  #: commands of clients that end when it is agreed on
    life: Life[IntentState, IntentInput] = attrs.Factory(intent_life)

    @property
    def state(self) -> IntentState:
        """Where it stands."""
        return self.life.state

    @property
    def kind(self) -> str:
        """The first word of its key."""
        return self.key[0]


def key_of(command: Command) -> Key | None:
    """What a command wants; None for one that is not kept."""
    if isinstance(command, DeleteUser):
        return GONE, AddressOfRecord.read(command.user_keys.user_entity).key
    if isinstance(command, ModifyUserRoles):
        return ROLE, AddressOfRecord.read(command.user_keys.user_entity).key
    if isinstance(command, ModifyConferenceLock):
        return (LOCK,)
    if isinstance(command, ModifyConferenceAnnouncements):
        return (ANNOUNCEMENTS,)
    if isinstance(command, ModifyEndpointMedia):
        keys = command.media_keys
        return MEDIA, AddressOfRecord.read(keys.user_entity).key, guid_key(keys.endpoint_entity), keys.media_id
    if isinstance(command, ModifyConference) and state_wanted(command) is not None:
        return (FILTERS,)
    return None


def shown_in(intent: Intent, part: McuPart, state: EntityState | None) -> bool | None:
    """Whether an MCU has what is wanted, by its ``part`` and the ``state`` of its view; None where it does not say."""
    command = intent.command
    if isinstance(command, DeleteUser):
        return not any(one.status != Status.DISCONNECTED for one in _endpoints(part, intent.key[1]))
    if isinstance(command, ModifyUserRoles):
        roles = [one.roles for one in _endpoints(part, intent.key[1]) if one.roles]
        return all(one == command.roles for one in roles) if roles else None
    if isinstance(command, ModifyEndpointMedia):
        stream = stream_in(part, intent.key)
        return None if stream is None or command.media is None else _has_filters(stream, command.media)
    if state is None:
        return None
    if isinstance(command, ModifyConferenceLock):
        return None if state.locked is None else state.locked == command.locked
    if isinstance(command, ModifyConferenceAnnouncements):
        said = state.entry_exit_announcements
        return None if said is None or said.enabled is None else said.enabled == command.enabled
    assert isinstance(command, ModifyConference)  # there is no other key
    wanted = state_wanted(command)
    return _has_rules(state, wanted) if wanted is not None and has_rules(state) else None


def is_about_nobody(intent: Intent, part: McuPart) -> bool:
    """Whether what it is about is not on the MCU any more, so that there is nothing to want."""
    if intent.kind == ROLE:
        return not _endpoints(part, intent.key[1])
    return intent.kind == MEDIA and stream_in(part, intent.key) is None


def stream_in(part: McuPart, key: Key) -> Media | None:
    """The stream that the key of a `MEDIA` intent names."""
    _, user, endpoint, media_id = key
    held = (one for one in _endpoints(part, user) if guid_key(one.entity) == endpoint)
    return next((media for one in held for media in one.media if media.id == media_id), None)


def _endpoints(part: McuPart, user: str) -> tuple[Endpoint, ...]:
    found = part.users.get(user)
    return found[1].endpoints if found is not None else ()


def _has_filters(stream: Media, wanted: Media) -> bool:
    blocked = blocks_ingress(wanted)
    if blocked is not None and (stream.ingress_filter == Filter.BLOCK) != blocked:
        return False
    egress = wanted.egress_filter
    return egress is None or (stream.egress_filter == Filter.BLOCK) == (egress == Filter.BLOCK)


def blocks_ingress(wanted: Media) -> bool | None:
    """Whether a stream is to be muted; None when that is not what is wanted (docs/commands.rst)."""
    if wanted.ingress_filter is not None:
        return wanted.ingress_filter == Filter.BLOCK
    return None if wanted.status is None else wanted.status in (MediaStatus.RECVONLY, MediaStatus.INACTIVE)


def is_muting(command: Command) -> bool:
    """Whether it takes the sound of one stream away, in either direction."""
    media = command.media if isinstance(command, ModifyEndpointMedia) else None
    return media is not None and (bool(blocks_ingress(media)) or media.egress_filter == Filter.BLOCK)


def state_wanted(command: ModifyConference) -> EntityState | None:
    """The state with rules about filters that a modifyConference for one MCU names, None where it has none."""
    info = command.conference_info
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    return next((view.entity_state for view in views if has_rules(view.entity_state)), None)


def has_rules(state: EntityState | None) -> bool:
    """Whether rules about filters are in it."""
    return state is not None and (state.media_filters_rules is not None or bool(state.conf_media_filters_rules))


def _has_rules(state: EntityState, wanted: EntityState) -> bool:
    plain = wanted.media_filters_rules is None or state.media_filters_rules == wanted.media_filters_rules
    return plain and (
        not wanted.conf_media_filters_rules or state.conf_media_filters_rules == wanted.conf_media_filters_rules
    )


def settings_wanted(commands: Iterable[Command], *, locked: bool) -> EntityState:
    """The settings that these commands make, as an MCU is told of them in the beginning."""
    state = EntityState(locked=locked)
    for command in commands:
        if isinstance(command, ModifyConferenceAnnouncements):
            state = attrs.evolve(state, entry_exit_announcements=EntryExitAnnouncements(enabled=command.enabled))
        wanted = state_wanted(command) if isinstance(command, ModifyConference) else None
        if wanted is not None:
            state = attrs.evolve(
                state,
                media_filters_rules=wanted.media_filters_rules,
                conf_media_filters_rules=wanted.conf_media_filters_rules,
            )
    return state
