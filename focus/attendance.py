"""How many conferences go on for one organizer, and in how many one user takes part."""

from __future__ import annotations

from c3p import Request
from focus import refusal
from focus.config import FocusConfig
from focus.join import Join
from focus.records import ConferenceRecord
from focus.refusal import Refused
from sip import AddressOfRecord, SessionId, Shares


class Attendance:
    """What each user has of a Focus, so that nobody takes all of it."""

    def __init__(self, config: FocusConfig) -> None:
        self._conferences = Shares(config.max_conferences_per_organizer)
        self._joins = Shares(config.max_joins_per_user)
        self._organizers: dict[str, str] = {}  # by conference
        self._users: dict[SessionId, str] = {}

    def check_room(self, join: Join) -> None:
        """Raise Refused when a user takes part often enough."""
        if not self._joins.has_room(join.user.key):
            raise Refused(refusal.BUSY, join.document)

    def joined(self, session: SessionId, user: AddressOfRecord) -> None:
        """A user takes part."""
        self._users[session] = user.key
        self._joins.take(user.key)

    def left(self, session: SessionId) -> None:
        """A dialog is over."""
        user = self._users.pop(session, None)
        if user is not None:
            self._joins.give_back(user)

    def begin(self, conference: str, record: ConferenceRecord, document: Request | None = None) -> None:
        """A conference becomes active. Raises Refused when its organizer has too many."""
        organizer = AddressOfRecord.read(record.organizer).key
        if not self._conferences.take(organizer):
            raise Refused(refusal.BUSY, document)
        self._organizers[conference] = organizer

    def resume(self, conference: str, record: ConferenceRecord) -> None:
        """A conference goes on that had its place before a restart."""
        organizer = AddressOfRecord.read(record.organizer).key
        if self._conferences.take(organizer):
            self._organizers[conference] = organizer

    def end(self, conference: str) -> None:
        """It is over."""
        organizer = self._organizers.pop(conference, None)
        if organizer is not None:
            self._conferences.give_back(organizer)
