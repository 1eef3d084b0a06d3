"""What is written of the bindings of a user, and which of them outlast the process that made them.

A binding on a connection is gone with it (RFC 5626 section 7), unless its Contact can be dialled. One over UDP stays,
with the addresses of both ends: a NAT keeps what our port and theirs made for as long as the phone keeps it alive.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import attrs
from attrs.validators import instance_of, optional

from sip.core.dialog_piece import is_flag, is_number, is_text, is_text_or_none, is_time, texts
from sip.errors import LocalProtocolError
from sip.events import Event
from sip.flow import Address, Flow
from sip.headers.name_addr import NameAddr
from sip.pieces import Piece, piece_key, piece_parts, read_piece, unreadable, write_piece
from sip.servers.location import Binding, Location

KIND: Final = "registrar"  #: first part of the key; then come its owner and the key of the address-of-record
VERSION: Final = 1  #: of the fields of a piece
#: Number of the first UDP flow of an earlier process; those after it count down. The driver counts up.
_FIRST_FLOW: Final = 0xFFFFFFFF


@attrs.frozen(kw_only=True)
class SavedBinding:
    """The fields of one contact. Wrong ones raise TypeError or ValueError."""

    contact: str = attrs.field(validator=is_text)
    expires_at: float = attrs.field(validator=is_time)  #: POSIX time
    call_id: str = attrs.field(validator=is_text)
    cseq: int = attrs.field(validator=is_number)
    q: float = attrs.field(validator=is_time)
    route: tuple[str, ...] = texts()
    source: str = attrs.field(validator=is_text)
    #: Addresses of a UDP flow: local host and port, remote host and port
    udp: list[Any] | None = attrs.field(validator=optional(instance_of(list)))
    instance: str | None = attrs.field(validator=is_text_or_none)
    reg_id: str | None = attrs.field(validator=is_text_or_none)
    outbound: bool = attrs.field(validator=is_flag)
    opaque: str | None = attrs.field(validator=is_text_or_none)
    user_agent: str | None = attrs.field(validator=is_text_or_none)

    @classmethod
    def of(cls, binding: Binding, wall_clock: float) -> SavedBinding:
        """Those of a binding as it is."""
        flow = binding.received
        ends = None if flow is None or flow.reliable else [*attrs.astuple(flow.local), *attrs.astuple(flow.remote)]
        return cls(
            contact=str(binding.contact),
            expires_at=round(binding.expires_at + wall_clock, 3),
            call_id=binding.call_id,
            cseq=binding.cseq,
            q=binding.q,
            route=tuple(str(each) for each in binding.route),
            source=binding.source,
            udp=ends,
            instance=binding.instance,
            reg_id=binding.reg_id,
            outbound=binding.outbound,
            opaque=binding.opaque,
            user_agent=binding.user_agent,
        )

    def binding(self, aor: str, wall_clock: float, number: int) -> Binding:
        """The binding; ``number`` is for its UDP flow, if it has one. Raises RemoteProtocolError for no address."""
        received = None
        if self.udp is not None:
            here, port, there, remote_port = self.udp
            received = Flow(number, "UDP", Address(str(here), int(port)), Address(str(there), int(remote_port)))
        return Binding(
            aor=aor,
            contact=NameAddr.parse(self.contact),
            expires_at=self.expires_at - wall_clock,
            call_id=self.call_id,
            cseq=self.cseq,
            q=self.q,
            route=tuple(NameAddr.parse(each) for each in self.route),
            source=self.source,
            received=received,
            instance=self.instance,
            reg_id=self.reg_id,
            outbound=self.outbound,
            opaque=self.opaque,
            user_agent=self.user_agent,
        )


class BindingPieces:
    """The pieces of one registrar: one for each user, with all contacts, of which there are few."""

    def __init__(self, location: Location, owner: str, wall_clock: float) -> None:
        self._location, self._owner, self._wall_clock = location, owner, wall_clock
        self._unsaved: dict[str, None] | None = None  # keys of users; nobody writes them yet
        self._flows = 0

    def changed(self, aor: str) -> None:
        """Note that the bindings of a user are others."""
        if self._unsaved is not None:
            self._unsaved[aor] = None

    def take(self) -> list[Piece]:
        """Those of the users whose bindings changed since the last call; all at the first."""
        changed = self._location.users if self._unsaved is None else self._unsaved
        pieces = [self._written(aor) for aor in changed]
        self._unsaved = {}
        return pieces

    def all(self) -> list[Piece]:
        """Those of all users with a binding that lasts."""
        return [piece for aor in self._location.users if (piece := self._written(aor)).value is not None]

    def _written(self, aor: str) -> Piece:
        """The piece of one user; it is removed when nothing of it lasts."""
        key = piece_key(KIND, self._owner, aor)
        lasting = [each for each in self._location.of(aor) if not each.ends_with_flow]
        saved = [attrs.asdict(SavedBinding.of(each, self._wall_clock), recurse=False) for each in lasting]
        return write_piece(key, VERSION, {"bindings": saved}) if saved else Piece(key, None)

    def read(
        self, pieces: Iterable[Piece], *, now: float, longest: float
    ) -> tuple[dict[str, list[Binding]], list[Event]]:
        """The bindings that have not ended, by user, and what cannot be read; pieces of others are passed over.

        None lasts longer than ``longest`` seconds, whatever the wall clock did. Raises LocalProtocolError when one of
        the users is here.
        """
        found: dict[str, list[Binding]] = {}
        events: list[Event] = []
        for piece in pieces:
            parts = piece_parts(piece.key)
            if len(parts) != 3 or parts[:2] != (KIND, self._owner) or piece.value is None:
                continue
            try:
                bindings = self._read(parts[2], piece, now + longest)
            except Exception as error:  # whatever stands there, the other users are found
                events.append(unreadable(piece, error))
            else:
                found[parts[2]] = [each for each in bindings if each.expires_at > now]
        if any(self._location.of(aor) for aor in found):
            raise LocalProtocolError("the registrar has some of these bindings")
        self._unsaved = dict.fromkeys((*self._location.users, *found))  # what has ended meanwhile is removed
        return found, events

    def _read(self, aor: str, piece: Piece, latest: float) -> list[Binding]:
        found = []
        for fields in read_piece(piece, VERSION)["bindings"]:
            binding = SavedBinding(**fields).binding(aor, self._wall_clock, _FIRST_FLOW - self._flows)
            found.append(attrs.evolve(binding, expires_at=min(binding.expires_at, latest)))
            self._flows += 1
        return found
