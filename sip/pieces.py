"""State as small pieces, so that an application can write it where it likes and give it back after a restart.

A machine knows no store. It says which pieces are new, other or gone since it was asked last (`Durable.take_pieces`);
each piece is a few hundred octets with a version of its own, so that one step of a large conference writes little. What
was written is given to a new machine (`Durable.restore`), which carries on. Times in a piece are those of the wall
clock: the monotonic clock of another process says nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, Protocol, runtime_checkable

import attrs

from sip.errors import LocalProtocolError
from sip.events import Event

#: Digits of a whole number in a piece: those of 64 bits. More cannot be reckoned with times, which are floats.
MAX_DIGITS: Final = 20


class UnreadablePiece(LocalProtocolError):
    """A piece that this version cannot read: it says which, and why."""


@attrs.frozen(kw_only=True)
class StateUnreadable(Event):
    """A piece was left out when state was restored; the rest counts."""

    key: str
    reason: str


@attrs.frozen
class Piece:
    """One piece of state. The last one written under a key counts."""

    key: str  #: kind first, parts divided by ``/``, each part escaped by `piece_key`
    #: None: what was there is gone. In no `repr`: what a machine needs after a restart may be secret.
    value: bytes | None = attrs.field(repr=lambda value: "None" if value is None else f"<{len(value)} octets>")


def unreadable(piece: Piece, error: Exception) -> StateUnreadable:
    """Tell of a piece that could not be read, because of whatever went wrong with what is in it."""
    reason = str(error) if isinstance(error, UnreadablePiece) else f"{type(error).__name__}: {error}"
    return StateUnreadable(owner="", key=piece.key, reason=reason)


@runtime_checkable
class Durable(Protocol):
    """A machine that can be restored."""

    def take_pieces(self) -> list[Piece]:
        """The pieces that changed since the last call, each key once. Costs nothing where nothing changed."""
        ...

    def snapshot(self) -> list[Piece]:
        """Every piece as it is now; what ``take_pieces`` would give is not taken."""
        ...

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        """Carry on from what was written; keys of other machines are passed over.

        A piece that cannot be read is left out, counted and reported (`StateUnreadable`); the rest counts. Raises
        LocalProtocolError, with nothing changed, when the machine has any of it already.
        """
        ...


def piece_key(*parts: str) -> str:
    """A key made of parts, whatever is in them."""
    key = "/".join(parts)
    if "%" not in key and key.count("/") == len(parts) - 1:
        return key  # as nearly always: there is nothing to escape
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


def piece_parts(key: str) -> tuple[str, ...]:
    """The parts that `piece_key` was given."""
    return tuple(part.replace("%2F", "/").replace("%25", "%") for part in key.split("/"))


def write_piece(key: str, version: int, fields: Mapping[str, Any]) -> Piece:
    """A piece whose value holds ``fields`` (what JSON can say) and the version of their meaning.

    Raises ValueError for a field called ``version``.
    """
    if "version" in fields:
        raise ValueError(f"{key}: no field may be called version")
    text = json.dumps({"version": version, **fields}, separators=(",", ":"), ensure_ascii=False)
    return Piece(key, text.encode("utf-8", "surrogatepass"))  # texts of peers may be octets that are no UTF-8


def read_piece(piece: Piece, version: int) -> dict[str, Any]:
    """The fields of a piece. Raises UnreadablePiece when it is none, or of a version after ``version``."""
    try:
        fields = json.loads(piece.value or b"", parse_int=_whole, parse_float=_finite, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        raise UnreadablePiece(f"{piece.key}: not a piece of state: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("version"), int):
        raise UnreadablePiece(f"{piece.key}: not a piece of state: no version")
    if fields["version"] > version:
        raise UnreadablePiece(f"{piece.key}: version {fields['version']}, and this program reads up to {version}")
    return fields


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"not a number to reckon with: {text[:MAX_DIGITS]}")
    return value


def _not_a_number(text: str) -> NoReturn:
    """NaN and the infinities: nothing is before or after them, and no timer can be set by them."""
    raise ValueError(f"not a number to reckon with: {text}")
