"""What a Factory knows, as pieces of state: the MCUs that announced themselves, and which of them has which conference.

How busy an MCU is changes all the time and is said again within seconds, so that it is not written. Until an MCU is
heard after a restart it is stale: it keeps its conferences, and a new one goes to it only where no other has room.

Which MCU has a conference is for all Factories that share a store (`is_factory_place`); MCUs announce themselves to
each of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import attrs
from attrs.validators import deep_iterable, instance_of

from mcu.errors import LocalProtocolError
from mcu.factory.registry import KnownMcu, Registry
from sip import Piece, StateUnreadable, piece_key, piece_parts, read_piece, write_piece

KIND: Final = "mcu-factory"  #: first part of the keys
VERSION: Final = 1  #: of the fields

_text: Final = instance_of(str)


def is_factory_place(piece: Piece) -> bool:
    """Whether a piece says which MCU has a conference, so that each Factory of a group is to know it."""
    parts = piece_parts(piece.key)
    return len(parts) == 3 and parts[:2] == (KIND, "place")


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class SavedMcu:
    """An MCU that announced itself. Wrong fields raise TypeError."""

    http_url: str = attrs.field(validator=_text)
    sip_uri: str = attrs.field(validator=_text)
    mcu_types: tuple[str, ...] = attrs.field(converter=_texts, validator=deep_iterable(_text))
    capacity: int = attrs.field(validator=instance_of(int))
    draining: bool = attrs.field(validator=instance_of(bool))
    principal: str = attrs.field(validator=_text)

    def known(self, mcu_id: str, now: float) -> KnownMcu:
        """The MCU, which has some time to be heard."""
        return KnownMcu(mcu_id=mcu_id, heard=now, stale=True, **attrs.asdict(self, recurse=False))


class KeptFactory:
    """Notes what changes, once somebody has asked; ``places`` is id of the MCU by conference."""

    def __init__(self, registry: Registry, places: OrderedDict[str, str]) -> None:
        self._registry, self._places = registry, places
        self._unsaved: dict[tuple[str, str], None] | None = None
        self._written: dict[str, bytes] = {}

    def note(self, kind: str, name: str) -> None:
        """An MCU (``mcu``) or the MCU of a conference (``place``) may be another than was written."""
        if self._unsaved is not None:
            self._unsaved[kind, name] = None

    def take(self) -> list[Piece]:
        """What changed since the last call; the first gives all."""
        names, self._unsaved = self._every() if self._unsaved is None else self._unsaved, {}
        changed = [piece for name in names if (piece := self._piece(*name)).value != self._written.get(piece.key)]
        for piece in changed:
            self._is_written(piece)
        return changed

    def learned(
        self, pieces: Iterable[Piece], *, whole: bool
    ) -> tuple[list[tuple[str, str | None]], list[StateUnreadable]]:
        """What other Factories have written: conferences, each with the id of its MCU, and what cannot be read.

        What this one has changed and not yet given to be written goes before. ``whole``: there is nothing else in the
        store, so what this one has beside it is given again.
        """
        found: dict[str, str | None] = {}
        unreadable = []
        for piece in filter(is_factory_place, pieces):
            place = piece_parts(piece.key)[2]
            try:
                mcu_id = None if piece.value is None else _mcu_in(read_piece(piece, VERSION))
            except Exception as error:  # whatever stands there, the rest counts
                unreadable.append(StateUnreadable(owner="", key=piece.key, reason=str(error)))
                continue
            self._is_written(piece)
            if ("place", place) not in (self._unsaved or ()):
                found[place] = mcu_id
        for place in self._places if whole else ():
            if place not in found:
                self._written.pop(piece_key(KIND, "place", place), None)
                self.note("place", place)
        return list(found.items()), unreadable

    def forget(self, place: str) -> None:
        """One that was learned is known no more here; in the store it stays."""
        self._written.pop(piece_key(KIND, "place", place), None)

    def _is_written(self, piece: Piece) -> None:
        if piece.value is None:
            self._written.pop(piece.key, None)
        else:
            self._written[piece.key] = piece.value

    def all(self) -> list[Piece]:
        """Everything, as it is now."""
        return [self._piece(*name) for name in self._every()]

    def _every(self) -> dict[tuple[str, str], None]:
        names = [("mcu", one.mcu_id) for one in self._registry if one.principal is not None]
        return dict.fromkeys([*names, *(("place", place) for place in self._places)])

    def _piece(self, kind: str, name: str) -> Piece:
        key = piece_key(KIND, kind, name)
        if kind == "place":
            mcu_id = self._places.get(name)
            return Piece(key, None) if mcu_id is None else write_piece(key, VERSION, {"mcu": mcu_id})
        known = self._registry.get(name)
        if known is None or known.principal is None:
            return Piece(key, None)
        saved = SavedMcu(
            http_url=known.http_url,
            sip_uri=known.sip_uri,
            mcu_types=known.mcu_types,
            capacity=known.capacity,
            draining=known.draining,
            principal=known.principal,
        )
        return write_piece(key, VERSION, attrs.asdict(saved, recurse=False))

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[StateUnreadable]:
        """Go on with what was written; what cannot be read is returned. Raises LocalProtocolError after a beginning."""
        if self._every():
            raise LocalProtocolError("the MCU Factory has begun already")
        self._unsaved = {}
        unreadable = []
        for piece in pieces:
            kind, *parts = piece_parts(piece.key)
            if kind != KIND or piece.value is None:
                continue
            try:
                self._read(piece, *parts, now=now)
                self._written[piece.key] = piece.value
            except Exception as error:  # whatever stands there, the rest counts
                unreadable.append(StateUnreadable(owner="", key=piece.key, reason=str(error)))
        return unreadable

    def _read(self, piece: Piece, kind: str, name: str, *, now: float) -> None:
        fields = read_piece(piece, VERSION)
        del fields["version"]
        if kind == "place":
            self._places[name] = _mcu_in(fields)
        elif kind == "mcu":
            self._registry.recall(SavedMcu(**fields).known(name, now))
        else:
            raise ValueError(f"no such kind: {kind}")


def _mcu_in(fields: dict[str, Any]) -> str:
    """The MCU of a conference; raises TypeError and KeyError for what is none."""
    mcu_id = fields["mcu"]
    if not isinstance(mcu_id, str):
        raise TypeError("not the id of an MCU")
    return mcu_id
