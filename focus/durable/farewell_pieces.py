"""Pieces for what MCUs are owed: the conference is over, and one has not said that it dropped it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from focus.durable.field_kinds import is_number, is_text, is_text_or_none
from focus.durable.fields import plain
from focus.durable.read import WRONG, left_out
from focus.durable.written import VERSION
from focus.mcus.address import McuAddress
from focus.mcus.farewells import Assignment
from sip import ConferenceAddress, Piece, StateUnreadable, piece_key, piece_parts, read_piece, write_piece

#: First part of the keys; a conference is none any more, so that it is not found under that.
KIND: Final = "farewell"


@attrs.frozen(kw_only=True)
class SavedFarewell:
    """An MCU that is to drop a conference, and has not said that it did."""

    focus_uri: str = attrs.field(validator=is_text)
    mcu_uri: str = attrs.field(validator=is_text)
    mcu_id: str = attrs.field(validator=is_text)
    http_url: str = attrs.field(validator=is_text)
    id: str | None = attrs.field(validator=is_text_or_none)
    epoch: int = attrs.field(validator=is_number)

    @classmethod
    def of(cls, owed: Assignment) -> SavedFarewell:
        """That of an assignment that is over."""
        return cls(
            focus_uri=owed.focus_uri,
            mcu_uri=owed.mcu_uri,
            mcu_id=owed.address.mcu_id,
            http_url=owed.address.http_url,
            id=owed.id,
            epoch=owed.epoch,
        )

    def assignment(self) -> Assignment:
        """The assignment."""
        address = McuAddress(mcu_id=self.mcu_id, http_url=self.http_url)
        return Assignment(self.focus_uri, self.mcu_uri, address, self.id, self.epoch)


def farewell_key(owed: Assignment) -> str:
    """The key of its piece."""
    return piece_key(KIND, ConferenceAddress.read(owed.focus_uri).key, owed.address.mcu_id)


def write_farewell(owed: Assignment) -> Piece:
    """Its piece."""
    return write_piece(farewell_key(owed), VERSION, plain(SavedFarewell.of(owed)))


def read_farewells(pieces: Iterable[Piece], *, owner: str) -> tuple[list[Assignment], list[StateUnreadable]]:
    """Those in ``pieces``, whatever else is among them, and what could not be read."""
    found: list[Assignment] = []
    unreadable: list[StateUnreadable] = []
    for piece in pieces:
        if piece.value is None or piece_parts(piece.key)[0] != KIND:
            continue
        try:
            fields = read_piece(piece, VERSION)
            del fields["version"]
            found.append(SavedFarewell(**fields).assignment())
        except WRONG as error:
            unreadable.append(left_out(piece, error, owner=owner))
    return found, unreadable
