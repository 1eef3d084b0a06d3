"""All conferences of a Focus as pieces of state."""

from __future__ import annotations

from collections.abc import Iterable

from focus.active import ActiveConferences
from focus.conference import Conference
from focus.context import Context
from focus.durable.farewell_pieces import farewell_key, read_farewells, write_farewell
from focus.durable.read import SavedConference, read_conferences
from focus.durable.resume import resume_commands, resume_conference
from focus.durable.written import KIND, Written
from focus.errors import LocalProtocolError
from focus.events import ConferenceReleased, ConferenceRestored
from focus.mcus.farewells import Assignment
from focus.record_changes import RecordChanges
from sip import ConferenceAddress, Piece, StateUnreadable, piece_key, piece_parts


class KeptConferences:
    """Knows what was written of each conference. Until it is first asked, nobody notes what changes."""

    def __init__(self, context: Context, active: ActiveConferences, record_changes: RecordChanges) -> None:
        self._context = context
        self._active = active
        self._record_changes = record_changes
        self._written: dict[str, Written] = {}
        self._owed: dict[str, Assignment] = {}  #: what was written of what MCUs are owed, by key

    def take(self) -> list[Piece]:
        """What changed since the last call; the first gives all."""
        if self._active.unsaved is None:
            return self._begin()
        changed, self._active.unsaved = self._active.unsaved, {}
        pieces = self._farewells()
        for key, conference in changed.items():
            pieces += self._changes(key, conference)
        return pieces

    def _begin(self) -> list[Piece]:
        self._active.unsaved = {}
        pieces = self._farewells()
        for conference in self._active:
            conference.keep()
            written = self._written[conference.key] = Written(conference, self._context.endpoint)
            pieces += written.begin()
        return pieces

    def _farewells(self) -> list[Piece]:
        """What MCUs are owed, as far as that is other than what was written. Of these there are few."""
        if not self._owed and not len(self._context.farewells):
            return []
        owed = {farewell_key(one): one for one in self._context.farewells}
        known, self._owed = self._owed, owed
        pieces = [write_farewell(one) for key, one in owed.items() if key not in known]
        return pieces + [Piece(key, None) for key in known if key not in owed]

    def _changes(self, key: str, conference: Conference) -> list[Piece]:
        written, pieces = self._written.get(key), list[Piece]()
        if written is not None and written.conference is not conference:
            pieces += self._written.pop(key).removal()  # that activation is over, and there is another one
            written = None
        if conference.ended:
            if written is not None:
                pieces += self._written.pop(key).removal()
            return pieces
        if written is None:
            written = self._written[key] = Written(conference, self._context.endpoint)
        return pieces + written.changes()

    def all(self) -> list[Piece]:
        """Everything, as it is now."""
        conferences = [piece for one in self._active for piece in Written(one, self._context.endpoint).all()]
        return conferences + [write_farewell(one) for one in self._context.farewells]

    def of(self, conference_uri: str) -> list[Piece]:
        """Everything of one conference and the dialogs in which it is held, as it is now."""
        conference = self._active.get(ConferenceAddress.read(conference_uri).key)
        if conference is None:
            return []
        written = self._written.get(conference.key)
        if written is None or written.conference is not conference:
            written = Written(conference, self._context.endpoint)
        return written.all() + self._context.endpoint.snapshot(written.dialogs())

    def restore(self, pieces: Iterable[Piece], *, epoch: int | None, now: float) -> None:
        """Go on with what was written. Raises LocalProtocolError when one of the conferences is here, and nothing else.

        One that cannot go on is left out whole and reported; its dialogs end, so that who was in it can come again.

        ``epoch`` is that of a new claim to them, None where the old one holds.
        """
        given = list(pieces)
        found, unreadable = read_conferences(given, owner=self._context.config.owner)
        owed, unreadable_too = read_farewells(given, owner=self._context.config.owner)
        for saved in found:
            if self._active.get(saved.key) is not None:
                raise LocalProtocolError(f"active already: {saved.key}")
        begins = not any(True for _ in self._active)
        if self._active.unsaved is None:
            self._active.unsaved = {}
        for event in (*unreadable, *unreadable_too):
            self._context.emit(event)
        for assignment in owed:
            self._owed[farewell_key(assignment)] = assignment
            self._context.farewells.owe(assignment, now=now)
        ownerless: list[str] = []
        for saved in found:
            try:
                self._restore(saved, epoch=epoch, now=now)
            except Exception as error:  # whatever stands there, the other conferences go on
                ownerless += self._leave_out(saved, error)
        if begins:
            came_back, keys = {piece.key for piece in given}, self._context.endpoint.keys_of(self._context.config.owner)
            # Whoever joins meanwhile did not come back, and is in no conference yet.
            ownerless = [key for key in keys if piece_key(*piece_parts(key)[:4]) in came_back]
        self._end_strays(ownerless, now=now)

    def _leave_out(self, saved: SavedConference, error: Exception) -> list[str]:
        """A conference cannot go on: nothing of it does. Returns the keys of its dialogs."""
        owner = self._context.config.owner
        self._written.pop(saved.key, None)
        conference = self._active.get(saved.key)
        if conference is not None:
            self._active.release(conference)
        reason = f"a conference that cannot go on: {type(error).__name__}: {error}"
        self._context.emit(StateUnreadable(owner=owner, key=piece_key(KIND, saved.key), reason=reason))
        dialogs = [one.dialog for one in saved.participants.values()]
        dialogs += [one.dialog for one in saved.subscribers.values()]
        return [key for key in dialogs if key]

    def _end_strays(self, keys: Iterable[str], *, now: float) -> None:
        """End what came back to the endpoint and belongs to no conference: one was over, and its BYE not written."""
        endpoint, active = self._context.endpoint, self._active
        for key in keys:
            subscription, session = endpoint.subscription_at(key), endpoint.session_at(key)
            if subscription is not None:
                if subscription not in active.of_subscription:
                    endpoint.end_subscription(subscription, reason="noresource", benotify=True, now=now)
            elif session is not None and session not in active.of_session:
                endpoint.bye(session, now=now)

    def _restore(self, saved: SavedConference, *, epoch: int | None, now: float) -> None:
        active, context = self._active, self._context
        conference = resume_conference(context, saved, epoch=epoch, now=now)
        written = self._written[saved.key] = Written(conference, context.endpoint, saved.names)
        active.resume(conference)
        assert conference.unsaved is not None
        conference.unsaved.update(dict.fromkeys(written.outdated()))
        here = [one for one in conference.participants.all() if not one.absent]
        context.emit(
            ConferenceRestored(
                owner=context.config.owner,
                conference_uri=conference.focus_uri,
                participants=len(here),
                absent=len(conference.participants) - len(here),
            )
        )
        self._record_changes.check(conference.address, conference.record.version, now=now)
        if not conference.ended:
            resume_commands(context, conference, saved, now=now)
            conference.notifier.begin_again(now=now)
        active.settle(conference, now=now)

    def release(self, conference: Conference, *, now: float) -> list[Piece]:
        """Forget a conference that somebody else goes on with. Returns everything of it, as it is now."""
        endpoint = self._context.endpoint
        written = self._written.pop(conference.key, None) or Written(conference, endpoint)
        pieces = written.all()
        dialogs = written.dialogs()
        self._active.release(conference)
        for key in dialogs:
            handed_over = endpoint.hand_over(key, now=now)
            if handed_over is not None:
                pieces.append(handed_over)
        self._context.emit(ConferenceReleased(owner=self._context.config.owner, conference_uri=conference.focus_uri))
        return pieces
