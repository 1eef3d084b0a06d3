"""What a Factory knows, as pieces of state: the MCUs that announced themselves, and which of them has which conference.

How busy an MCU is changes all the time and is said again within seconds, so that it is not written. Until an MCU is
heard after a restart it is stale: it keeps its conferences, and a new one goes to it only where no other has room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import attrs
from attrs.validators import deep_iterable, instance_of

from mcu.errors import LocalProtocolError
from mcu.factory.registry import KnownMcu, Registry
from sip import Piece, StateUnreadable, piece_key, piece_parts, read_piece, write_piece

KIND: Final = "mcu-factory"  #: first part of the keys
VERSION: Final = 1  #: of the fields

_text: Final = instance_of(str)


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
            if piece.value is None:
                del self._written[piece.key]
            else:
                self._written[piece.key] = piece.value
        return changed

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
            mcu_id = fields["mcu"]
            if not isinstance(mcu_id, str):
                raise TypeError("not the id of an MCU")
            self._places[name] = mcu_id
        elif kind == "mcu":
            self._registry.recall(SavedMcu(**fields).known(name, now))
        else:
            raise ValueError(f"no such kind: {kind}")
