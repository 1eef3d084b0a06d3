"""What was written of one conference, and what is to be written now.

Of what there can be many (users, participants, answers, subscriptions) the parts of the conference note what changed:
one step of a large conference writes little. Of what there are few (the head, links, open commands) it is looked at
whether they are as they were written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from focus.conference import Conference
from focus.durable.field_kinds import number_in
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
    plain,
    room_above,
    was_sent,
)
from sip import Endpoint, Piece, piece_key, write_piece

#: First part of the keys; the second is the key of the conference, so that one conference can be had by itself.
KIND: Final = "conference"
VERSION: Final = 1  #: of the fields

Name = tuple[str, ...]
_HEAD: Final = ("head",)
#: How many more parts the names of some kinds have: that of an answer its requestId, that of what is muted its user,
#: endpoint and stream. Others somebody else has written.
_DETAILS: Final[Mapping[str, int]] = {"answer": 1, "muted": 3}


class Written:
    """One conference."""

    def __init__(self, conference: Conference, endpoint: Endpoint, names: Iterable[Name] = ()) -> None:
        """``names`` is what was written before a restart."""
        self.conference = conference
        self._endpoint = endpoint
        self._names: dict[Name, None] = dict.fromkeys(names)
        self._few: dict[Name, object] = {}  #: of what there is few: what it was when it was written
        self._room = 0  #: up to which version the roster may go without the head being written again
        self._orders: dict[str, int] = {}  #: of relays and intents
        self._places = itertools.count()

    def changes(self) -> list[Piece]:
        """What is other than what was written."""
        unsaved = self.conference.unsaved
        assert unsaved is not None
        self._room = room_above(self.conference.roster.version, self._room)
        few = dict(self._looked_at())
        names = dict.fromkeys(unsaved)
        unsaved.clear()
        before, self._few = self._few, few
        for name, now in few.items():
            if before.get(name) != now:
                names[name] = None
        for name in before:
            if name not in few:
                names[name] = None
        return [piece for name in names if (piece := self._write(name)) is not None]

    def begin(self) -> list[Piece]:
        """Everything, which is noted as written."""
        assert self.conference.unsaved is not None
        self.conference.unsaved.update(dict.fromkeys(self._every()))
        return self.changes()

    def outdated(self) -> list[Name]:
        """After a restart: what is not there any more, or other than it was."""
        return [name for name in self._names if not self._holds(*name)]

    def _holds(self, kind: str, name: str = "", *details: str) -> bool:
        conference = self.conference
        if kind == "answer" and (participant := conference.participants.numbered(_number(name))) is not None:
            return len(details) == 1 and participant.remembered.get(details[0]) is not None
        return (kind == "user" and name in conference.roster.users) or (
            kind == "view" and name in conference.roster.views
        )

    def dialogs(self) -> list[str]:
        """The keys of the dialogs in which it is held, as the endpoint names them."""
        keys = [SavedParticipant.of(one, self._endpoint).dialog for one in self.conference.participants.all()]
        keys += [SavedSubscriber.of(one, self._endpoint).dialog for one in self.conference.notifier]
        return [key for key in dict.fromkeys(keys) if key]

    def removal(self) -> list[Piece]:
        """Nothing of it is there any more."""
        return [Piece(self._key(name), None) for name in self._names]

    def all(self) -> list[Piece]:
        """Everything, as it is now."""
        return [piece for name in self._every() if (piece := self._piece(name)).value is not None]

    def _every(self) -> Iterator[Name]:
        conference = self.conference
        yield from (name for name, _ in self._looked_at())
        yield from (("user", key) for key in conference.roster.users)
        yield from (("view", key) for key in conference.roster.views)
        yield from (("subscriber", str(one.number)) for one in conference.notifier)
        for participant in conference.participants.all():
            yield "participant", str(participant.number)
            yield from (("answer", str(participant.number), request_id) for request_id in participant.remembered)

    def _looked_at(self) -> Iterator[tuple[Name, object]]:
        """Of what there is few: names, and what it depends on whether they are written again."""
        conference = self.conference
        epoch, until = conference.claim.epoch, conference.unattended_until
        yield _HEAD, (conference.record, conference.locked, epoch, until, self._room)
        for mcu_type, link in conference.mcus.links.items():
            yield ("mcu", mcu_type), (link.address, link.failed_mcus)
        for mcu_type, wanted in conference.mcus.wanted.items():
            for key, intent in wanted.intents.items():
                made_of = (intent.command, intent.before, intent.carrier, intent.seen, intent.state)
                yield ("intent", mcu_type, *key), made_of
            for stream, media in wanted.muted.items():
                yield ("muted", mcu_type, *stream), media
        for number, command in conference.commands.open.items():
            yield ("command", str(number)), command.session
        for request_id, relay in conference.commands.relays.items():
            yield ("relay", request_id), was_sent(relay)

    def _write(self, name: Name) -> Piece | None:
        """The piece of that name; None when there was none and is none."""
        piece = self._piece(name)
        if piece.value is not None:
            self._names[name] = None
        elif name in self._names:
            del self._names[name]
            self._orders.pop("/".join(name[1:]), None)
        else:
            return None
        return piece

    def _piece(self, name: Name) -> Piece:
        saved, key = self._saved(*name), self._key(name)
        return Piece(key, None) if saved is None else write_piece(key, VERSION, plain(saved))

    def _key(self, name: Name) -> str:
        return piece_key(KIND, self.conference.key, *name)

    def _saved(self, kind: str, name: str = "", *details: str) -> attrs.AttrsInstance | None:
        """What is to be written under a name, None when there is nothing any more."""
        conference, endpoint = self.conference, self._endpoint
        focus_uri = conference.focus_uri
        if len(details) != _DETAILS.get(kind, len(details)):
            return None
        match kind:
            case "head":
                return self._head()
            case "user":
                user = conference.roster.users.get(name)
                return None if user is None else SavedUser.of(user, focus_uri)
            case "view":
                view = conference.roster.views.get(name) if name != conference.key else None  # that of the lock is ours
                return None if view is None else SavedView.of(view, focus_uri)
            case "participant":
                participant = conference.participants.numbered(_number(name))
                return None if participant is None else SavedParticipant.of(participant, endpoint)
            case "answer":
                participant = conference.participants.numbered(_number(name))
                answer = participant.remembered.get(*details) if participant is not None else None
                if participant is None or answer is None:
                    return None
                return SavedAnswer.of(answer, details[0] not in participant.remembered.untold)
            case "subscriber":
                subscriber = conference.notifier.numbered(_number(name))
                return None if subscriber is None else SavedSubscriber.of(subscriber, endpoint)
            case "mcu":
                link = conference.mcus.links.get(name)
                return None if link is None else SavedLink.of(link)
            case "intent":
                return self._intent(name, details)
            case "muted":
                wanted = conference.mcus.wanted.get(name)
                media = None if wanted is None else wanted.muted.get(details)
                return None if media is None else SavedMuted.of(media, name, focus_uri)
            case "command":
                return self._command(_number(name))
            case _:
                relay = conference.commands.relays.get(name)
                return None if relay is None else SavedRelay.of(relay, self._order(name), focus_uri)

    def _head(self) -> SavedHead:
        conference, wall_clock = self.conference, self._endpoint.wall_clock
        until = conference.unattended_until
        return SavedHead(
            record=attrs.asdict(conference.record),
            locked=conference.locked,
            room=room_above(conference.roster.version, self._room),
            epoch=conference.claim.epoch,
            unattended_until=None if until is None else round(until + wall_clock, 3),
        )

    def _command(self, number: int) -> SavedCommand | None:
        commands = self.conference.commands
        command = commands.open.get(number)
        if command is None:
            return None
        participant = self.conference.participants.get(command.session)
        wanted_by = None if participant is None else participant.number
        return SavedCommand.of(command, commands.dialled.get(number), wanted_by, self._endpoint.wall_clock)

    def _intent(self, mcu_type: str, key: Name) -> SavedIntent | None:
        wanted = self.conference.mcus.wanted.get(mcu_type)
        intent = None if wanted is None else wanted.intents.get(key)
        if intent is None:
            return None
        return SavedIntent.of(intent, mcu_type, self._order("/".join((mcu_type, *key))), self.conference.focus_uri)

    def _order(self, name: str) -> int:
        """The place of a relay or an intent: those that were made first go first."""
        return self._orders.setdefault(name, next(self._places))


def _number(name: str) -> int:
    """The number in a name; one that nobody has, where there is none, since somebody else wrote it."""
    try:
        return number_in(name)
    except ValueError:
        return -1
