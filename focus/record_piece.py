"""What is written of a conference record, for a store that a restart is to find as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, Final

import attrs

from focus.records import ConferenceRecord, MemoryStore
from sip import (
    Event,
    LocalProtocolError,
    Piece,
    SipError,
    UnreadablePiece,
    Uri,
    piece_key,
    piece_parts,
    read_piece,
    unreadable,
    write_piece,
)

KIND: Final = "record"  #: first part of the key; then comes that of the conference
VERSION: Final = 1  #: of the fields of a piece

_TEXT: Final = (str,)
_TEXT_OR_NONE: Final = (str, NoneType)
_FLAG: Final = (bool,)
#: What the fields of a record are; those that are several texts are read one by one.
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "conference_id": _TEXT,
    "organizer": _TEXT,
    "focus_uri": _TEXT,
    "subject": _TEXT_OR_NONE,
    "display_text": _TEXT_OR_NONE,
    "admission_policy": _TEXT,
    "expires_at": (float, int, NoneType),
    "autopromote": (int, NoneType),
    "lobby_capable": _FLAG,
    "attendee_dialout": _FLAG,
    "anonymous_dialout": _FLAG,
    "passcode": _TEXT_OR_NONE,
    "dial_in": _TEXT_OR_NONE,
    "pstn_lobby_bypass": _FLAG,
    "version": (int,),
}


class KeptRecords(MemoryStore):
    """Records in memory, and what changed of them as pieces of state (`sip.Durable`).

    An answer that promises a record leaves once the record is written, where this store is asked for its pieces along
    with the machines (`sip.Gate`). A passcode is written as it stands in the record.
    """

    def __init__(self, *, limit: int = 100_000, per_organizer: int = 1_000, wall_clock: float = 0.0) -> None:
        super().__init__(limit=limit, per_organizer=per_organizer, wall_clock=wall_clock)
        self._unsaved: dict[str, None] | None = None  # nobody writes them yet

    def add(self, key: str, record: ConferenceRecord) -> None:
        """`MemoryStore.add`."""
        super().add(key, record)
        self._changed(key)

    def replace(self, key: str, record: ConferenceRecord) -> None:
        """`MemoryStore.replace`."""
        super().replace(key, record)
        self._changed(key)

    def remove(self, key: str) -> ConferenceRecord | None:
        """`MemoryStore.remove`."""
        gone = super().remove(key)
        if gone is not None:
            self._changed(key)
        return gone

    def _changed(self, key: str) -> None:
        if self._unsaved is not None:
            self._unsaved[key] = None

    def take_pieces(self) -> list[Piece]:
        """The records that changed since the last call; the first gives all."""
        changed = self.keys if self._unsaved is None else self._unsaved
        pieces = [self._piece(key) for key in changed]
        self._unsaved = {}
        return pieces

    def snapshot(self) -> list[Piece]:
        """Every record."""
        return [self._piece(key) for key in self.keys]

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        """Know the records in ``pieces``; those whose time is over go with the next ``expire``.

        Raises LocalProtocolError, with nothing changed, when one of them is here. Limits do not hold for them: they
        held when they were made.
        """
        found: dict[str, ConferenceRecord] = {}
        events: list[Event] = []
        for piece in pieces:
            parts = piece_parts(piece.key)
            if len(parts) == 2 and parts[0] == KIND and piece.value is not None:
                try:
                    found[parts[1]] = read_record(read_piece(piece, VERSION)["record"])
                except (UnreadablePiece, SipError, KeyError, TypeError, ValueError) as error:
                    events.append(unreadable(piece, error))
        if any(self.get(key) is not None for key in found):
            raise LocalProtocolError("the store has some of these records")
        for key, record in found.items():
            self.put(key, record)
        return events

    def _piece(self, key: str) -> Piece:
        record = self.get(key)
        name = piece_key(KIND, key)
        return Piece(name, None) if record is None else write_piece(name, VERSION, {"record": written_record(record)})


def written_record(record: ConferenceRecord) -> dict[str, Any]:
    """The fields of a record, as JSON can say them."""
    return attrs.asdict(record, recurse=False)


def read_record(fields: dict[str, Any]) -> ConferenceRecord:
    """The record with these fields. Raises KeyError, TypeError, ValueError or SipError for wrong ones."""
    given = dict(fields)
    given["mcu_types"] = tuple(str(each) for each in given["mcu_types"])
    given["roles"] = tuple((str(user), str(role)) for user, role in given["roles"])
    for name, kinds in _KINDS.items():
        if name in given and type(given[name]) not in kinds:
            raise TypeError(f"{name} is {given[name]!r:.40}")
    record = ConferenceRecord(**given)
    Uri.parse(record.organizer)
    return record
