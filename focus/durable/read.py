"""The pieces of conferences, read: what can be read counts, and what cannot is reported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from c3p import C3PError, EntityView, Media, Request
from focus.answers import Answer
from focus.commands.plan import DialOut
from focus.durable.field_kinds import mcu_type_in, number_in, version_in
from focus.durable.fields import (
    SavedAnswer,
    SavedCommand,
    SavedHead,
    SavedIntent,
    SavedLink,
    SavedMuted,
    SavedParticipant,
    SavedRelay,
    SavedSubscriber,
    SavedUser,
    SavedView,
)
from focus.durable.written import KIND, VERSION, Name
from focus.mcus.intent import Intent
from focus.records import ConferenceRecord
from focus.roster import RosterUser
from sip import ConferenceAddress, Piece, SipError, StateUnreadable, UnreadablePiece, piece_parts, read_piece

#: What is raised by a piece that was not written by this program, or by a later one.
WRONG: Final = (UnreadablePiece, SipError, C3PError, KeyError, TypeError, ValueError)


@attrs.define(kw_only=True)
class SavedConference:
    """What was written of one conference."""

    key: str
    names: dict[Name, None] = attrs.Factory(dict)  #: of all pieces, those too that cannot be read
    head: SavedHead | None = None
    record: ConferenceRecord | None = None
    users: dict[str, RosterUser] = attrs.Factory(dict)
    views: dict[str, EntityView] = attrs.Factory(dict)
    participants: dict[int, SavedParticipant] = attrs.Factory(dict)
    answers: dict[int, dict[str, tuple[Answer, bool]]] = attrs.Factory(dict)  #: and whether it was told
    subscribers: dict[int, SavedSubscriber] = attrs.Factory(dict)
    links: dict[str, SavedLink] = attrs.Factory(dict)
    commands: dict[int, tuple[SavedCommand, Request, DialOut | None]] = attrs.Factory(dict)
    relays: dict[str, tuple[SavedRelay, Request]] = attrs.Factory(dict)
    intents: list[tuple[SavedIntent, Intent]] = attrs.Factory(list)
    muted: list[tuple[str, tuple[str, ...], Media]] = attrs.Factory(list)  #: MCU type, key of the stream, filters

    def read(self, piece: Piece, kind: str, name: str = "", *details: str) -> None:
        """Take a piece in. Raises UnreadablePiece, or what its fields or documents raise."""
        fields = read_piece(piece, VERSION)
        del fields["version"]
        match kind:
            case "head":
                head = SavedHead(**fields)
                record = head.as_record()
                version_in(head.room)
                if ConferenceAddress.read(record.focus_uri).key != self.key:
                    raise ValueError("the record of another conference")
                self.head, self.record = head, record
            case "user":
                user = SavedUser(**fields).user()
                self.users[user.address.key] = user
            case "view":
                self.views[name] = SavedView(**fields).view()
            case "participant":
                participant = SavedParticipant(**fields)
                participant.check(f"sip:{self.key}")
                self.participants[number_in(name)] = participant
            case "answer":
                (request_id,) = details
                answer = SavedAnswer(**fields)
                self.answers.setdefault(number_in(name), {})[request_id] = answer.answer(), answer.told
            case "subscriber":
                subscriber = SavedSubscriber(**fields)
                version_in(subscriber.room)
                self.subscribers[number_in(name)] = subscriber
            case "mcu":
                self.links[mcu_type_in(name)] = SavedLink(**fields)
            case "command":
                command = SavedCommand(**fields)
                self.commands[number_in(name)] = command, command.as_request(), command.dial_out()
            case "relay":
                relay = SavedRelay(**fields)
                request = relay.as_request()
                if request.request_id != name:
                    raise ValueError("the relay of another request")
                self.relays[name] = relay, request
            case "intent":
                wanted = SavedIntent(**fields)
                self.intents.append((wanted, wanted.intent()))
            case "muted":
                muted = SavedMuted(**fields)
                if len(details) != 3:
                    raise ValueError("what is muted names user, endpoint and stream")
                self.muted.append((muted.mcu_type, details, muted.media()))
            case _:
                raise ValueError(f"no such kind: {kind}")


def read_conferences(pieces: Iterable[Piece], *, owner: str) -> tuple[list[SavedConference], list[StateUnreadable]]:
    """The conferences in ``pieces``, whatever else is among them, and what could not be read."""
    found: dict[str, SavedConference] = {}
    unreadable: list[StateUnreadable] = []
    # A store gives them in no order, and what follows from them has one.
    for piece in sorted(pieces, key=lambda piece: _in_order(piece.key)):
        parts = piece_parts(piece.key)
        if piece.value is None or parts[0] != KIND or len(parts) < 3:
            continue
        conference = found.setdefault(parts[1], SavedConference(key=parts[1]))
        conference.names[parts[2:]] = None
        try:
            conference.read(piece, *parts[2:])
        except WRONG as error:
            unreadable.append(left_out(piece, error, owner=owner))
    headless = {piece_parts(one.key)[1] for one in unreadable if piece_parts(one.key)[2:] == ("head",)}
    for conference in found.values():
        if conference.head is None and conference.key not in headless:  # else that piece was reported by its name
            unreadable.append(StateUnreadable(owner=owner, key=conference.key, reason="a conference without a head"))
    return [one for one in found.values() if one.head is not None], unreadable


def left_out(piece: Piece, error: Exception, *, owner: str) -> StateUnreadable:
    """What is told of a piece that cannot be read."""
    reason = str(error) if isinstance(error, UnreadablePiece) else f"{type(error).__name__}: {error}"
    return StateUnreadable(owner=owner, key=piece.key, reason=reason)


def _in_order(key: str) -> list[tuple[int, str]]:
    """Numbers in a key count as such."""
    return [(len(part) if part.isdigit() else 0, part) for part in piece_parts(key)]
