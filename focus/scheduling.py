"""What the commands of organizers mean for their records (docs/commands.rst)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import attrs

from c3p import (
    AddConference,
    AdmissionPolicy,
    C3PError,
    Command,
    CommandReason,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    GetAvailableMcuTypes,
    GetConference,
    GetConferences,
    GetConferencingCapabilities,
    McuType,
    ModifyConference,
    PstnBridging,
    Reason,
    focus_uri,
)
from focus import record_documents
from focus.config import FactoryConfig
from focus.questions.procedure import Kind, Steps, Turn, decided, settled
from focus.questions.stores import RecordStore
from focus.records import ConferenceRecord, Written, is_conference_id
from sip import AddressOfRecord, ConferenceAddress

#: How often a change is carried out anew because another Focus Factory was faster: two that take turns come through.
_ATTEMPTS: Final = 3


class Failed(Exception):
    """A command that is answered with a C3P failure; never leaves this package."""

    def __init__(self, reason: str, specific: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.specific = reason, specific


class Observer(Protocol):
    """Who is told of what was written."""

    def written(self, before: ConferenceRecord | None, after: ConferenceRecord | None, *, now: float) -> None:
        """A record was added (``before`` None), replaced or removed (``after`` None)."""


class Scheduling:
    """The records of organizers, as their commands change them."""

    def __init__(self, config: FactoryConfig, records: RecordStore, *, wall_clock: float, observer: Observer) -> None:
        self._config = config
        self._records = records
        self._wall_clock = wall_clock
        self._observer = observer

    def carry_out(self, command: Command, organizer: AddressOfRecord, turn: Turn) -> Steps[Command | None]:
        """What a command is answered with, None for one that is not known. Raises Failed and Refused."""
        handler = _HANDLERS.get(type(command))
        return None if handler is None else (yield from handler(self, command, organizer, turn))

    # Commands --------------------------------------------------------------------------------------------------------

    def _capabilities(
        self, command: GetConferencingCapabilities, organizer: AddressOfRecord, turn: Turn
    ) -> Steps[Command]:
        yield from ()
        return GetConferencingCapabilities(mcu_types=self._config.mcu_types, pstn_bridging=PstnBridging(enabled=False))

    def _available_types(self, command: GetAvailableMcuTypes, organizer: AddressOfRecord, turn: Turn) -> Steps[Command]:
        yield from ()
        return GetAvailableMcuTypes(mcu_types=self._config.mcu_types)

    def _add(self, command: AddConference, organizer: AddressOfRecord, turn: Turn) -> Steps[Command]:
        info = command.conference_info
        conference_id = info.description.conference_id if info is not None and info.description is not None else None
        if info is None or conference_id is None or not is_conference_id(conference_id):
            raise Failed(Reason.REQUEST_MALFORMED)
        lifetime = self._config.default_lifetime
        base = ConferenceRecord(
            conference_id=conference_id,
            organizer=organizer.text,
            focus_uri=_conference_uri(organizer, conference_id),
            mcu_types=self._config.mcu_types,
            admission_policy=self._config.default_admission_policy,
            expires_at=None if lifetime is None else self.wall(turn.now) + lifetime,
            attendee_dialout=self._config.attendee_dialout,
            pstn_lobby_bypass=self._config.pstn_lobby_bypass,
        )
        record = yield from self._numbered(self._read(info, base, now=turn.now))
        outcome = yield from settled(self._records.write(None, record))
        if outcome is Written.EXISTS:
            raise Failed(Reason.OTHER_FAILURE, CommandReason.CONFERENCE_EXISTS_ALREADY)
        if outcome is not Written.DONE:
            raise Failed(Reason.SERVER_BUSY)
        self._observer.written(None, record, now=turn.now)
        return AddConference(conference_info=self.described(record, now=turn.now))

    def _numbered(self, record: ConferenceRecord) -> Steps[ConferenceRecord]:
        """A new record with its dial-in number, where there are any and a phone could do something in it."""
        numbers = self._config.numbers
        if numbers is None or McuType.AUDIO_VIDEO not in record.mcu_types:
            return record
        number = yield from decided(numbers.number_for(record), Kind.NUMBER)
        return attrs.evolve(record, dial_in=number)

    def _modify(self, command: ModifyConference, organizer: AddressOfRecord, turn: Turn) -> Steps[Command]:
        info = command.conference_info
        if info is None:
            raise Failed(Reason.REQUEST_MALFORMED)
        for _ in range(_ATTEMPTS):
            record = yield from self._record(command.conference_keys, organizer, turn, info)
            changed = attrs.evolve(self._read(info, record, now=turn.now), version=record.version + 1)
            outcome = yield from settled(self._records.write(record, changed))
            if outcome is Written.DONE:
                self._observer.written(record, changed, now=turn.now)
                return ModifyConference(
                    conference_keys=command.conference_keys, conference_info=self.described(changed, now=turn.now)
                )
            if outcome is not Written.CHANGED:
                break
        raise Failed(Reason.SERVER_BUSY)

    def _delete(self, command: DeleteConference, organizer: AddressOfRecord, turn: Turn) -> Steps[Command]:
        record = yield from self._record(command.conference_keys, organizer, turn)
        yield from settled(self._records.write(record, None))
        self._observer.written(record, None, now=turn.now)
        return command.echo()

    def _get(self, command: GetConference, organizer: AddressOfRecord, turn: Turn) -> Steps[Command]:
        record = yield from self._record(command.conference_keys, organizer, turn)
        return GetConference(
            conference_keys=command.conference_keys, conference_info=self.described(record, now=turn.now)
        )

    def _get_all(self, command: GetConferences, organizer: AddressOfRecord, turn: Turn) -> Steps[Command]:
        found = yield from settled(self._records.of_organizer(organizer.key, self._config.max_listed))
        records = [one for one in found if not one.is_over(self.wall(turn.now))][: self._config.max_listed]
        return GetConferences(conference_infos=tuple(self.described(one, now=turn.now) for one in records))

    # Records ---------------------------------------------------------------------------------------------------------

    def _record(
        self,
        keys: ConferenceKeys | None,
        organizer: AddressOfRecord,
        turn: Turn,
        info: ConferenceInfo | None = None,
    ) -> Steps[ConferenceRecord]:
        """The record that the keys name: by conference id, or by Conference-URI."""
        conference_id = keys.conference_id if keys is not None else None
        if conference_id is None and info is not None and info.description is not None:
            conference_id = info.description.conference_id
        uri = (keys.conf_entity if keys is not None else None) or (info.entity if info is not None else None)
        if conference_id is not None and is_conference_id(conference_id):
            uri = _conference_uri(organizer, conference_id)
        record = (yield from self.find(uri, turn)) if uri else None
        if record is None or not organizer.is_named_by(record.organizer):
            raise Failed(Reason.OTHER_FAILURE, CommandReason.CONFERENCE_DOESNT_EXIST)
        return record

    def find(self, conference_uri: str, turn: Turn) -> Steps[ConferenceRecord | None]:
        """The record of a conference; one whose time is over is none, though the store may still have it."""
        found = yield from settled(self._records.find(ConferenceAddress.read(conference_uri)))
        return None if found is None or found.is_over(self.wall(turn.now)) else found

    def _read(self, info: ConferenceInfo, base: ConferenceRecord, *, now: float) -> ConferenceRecord:
        try:
            record = record_documents.read(info, base)
        except C3PError as error:
            raise Failed(Reason.REQUEST_MALFORMED) from error
        if record.admission_policy not in set(AdmissionPolicy):
            raise Failed(Reason.REQUEST_MALFORMED)
        if record.admission_policy == AdmissionPolicy.ANONYMOUS and not self._config.anonymous_allowed:
            raise Failed(Reason.UNAUTHORIZED)
        # Clients list every type they know; only those that can be allocated are kept.
        types = tuple(kind for kind in record.mcu_types if kind in self._config.mcu_types)
        expires_at = record.expires_at
        if expires_at is not None:
            expires_at = min(expires_at, self.wall(now) + self._config.max_lifetime)
            if expires_at <= self.wall(now):
                raise Failed(Reason.REQUEST_MALFORMED)
        return attrs.evolve(
            record,
            mcu_types=types,
            expires_at=expires_at,
            anonymous_dialout=record.anonymous_dialout and self._config.anonymous_dialout,
            # What a deployment lets in by itself it lets in; organizers open their conferences as far as they may.
            pstn_lobby_bypass=record.pstn_lobby_bypass
            and (self._config.anonymous_allowed or self._config.pstn_lobby_bypass),
        )

    def described(self, record: ConferenceRecord, *, for_a_focus: bool = False, now: float) -> ConferenceInfo:
        """A record as it is answered."""
        return record_documents.describe(record, updated_at=self.wall(now), for_a_focus=for_a_focus)

    def wall(self, now: float) -> float:
        """The time since 1970 at ``now``."""
        return self._wall_clock + now


def _conference_uri(organizer: AddressOfRecord, conference_id: str) -> str:
    try:
        return focus_uri(organizer.text, conference_id)
    except C3PError as error:  # an organizer without user part
        raise Failed(Reason.REQUEST_MALFORMED) from error


_HANDLERS: Final[Mapping[type[Command], Callable[[Scheduling, Any, AddressOfRecord, Turn], Steps[Command]]]] = {
    GetConferencingCapabilities: Scheduling._capabilities,
    GetAvailableMcuTypes: Scheduling._available_types,
    AddConference: Scheduling._add,
    ModifyConference: Scheduling._modify,
    DeleteConference: Scheduling._delete,
    GetConference: Scheduling._get,
    GetConferences: Scheduling._get_all,
}
