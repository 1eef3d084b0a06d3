"""What one MCU says of a conference: versions, and how it gets into the roster (conference-info 4.2 and 6)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

import attrs

from c3p import ConferenceInfo, Endpoint, State, User
from focus.roster import Roster, endpoint_key, user_key, view_key


class Verdict(enum.Enum):
    """What a document of an MCU is worth."""

    APPLIED = "applied"
    IGNORED = "ignored"  #: old, or a repetition
    GAP = "gap"  #: something is missing: ask for the whole
    RESET = "reset"  #: an old one, or the MCU began to count again because it lost its state: ask which
    DELETED = "deleted"  #: the MCU dropped the conference


class McuPart:
    """The copy that the Focus keeps of one MCU's part of a conference."""

    def __init__(self) -> None:
        self.info: ConferenceInfo | None = None
        self._version: int | None = None
        self._stale = False
        self._doubted = False  #: whether the last answer to getConference was old

    def receive(self, document: ConferenceInfo) -> Verdict:
        """Take a notification in; `info` is the part after it."""
        if document.state == State.DELETED:
            return Verdict.DELETED
        if document.state == State.PARTIAL:
            return self._receive_partial(document)
        if self._is_older(document):
            return Verdict.RESET
        if document.version is not None and document.version == self._version and not self._stale:
            return Verdict.IGNORED
        self.replace(document)
        return Verdict.APPLIED

    def answered(self, document: ConferenceInfo) -> Verdict:
        """Take the answer to getConference in. GAP: it was overtaken, ask once more; RESET: it is old a second time."""
        if self._is_older(document):
            doubted, self._doubted = self._doubted, True
            return Verdict.RESET if doubted else Verdict.GAP
        self.replace(document)
        return Verdict.APPLIED

    def replace(self, document: ConferenceInfo) -> None:
        """Take a whole document in."""
        self.info, self._version = document.settled(), document.version
        self._stale = self._doubted = False

    def _is_older(self, document: ConferenceInfo) -> bool:
        return self._version is not None and document.version is not None and document.version < self._version

    def _receive_partial(self, document: ConferenceInfo) -> Verdict:
        if self.info is None or self._stale:
            self._stale = True
            return Verdict.GAP
        if self._version is not None and document.version is not None:
            if document.version <= self._version:
                return Verdict.IGNORED
            if document.version > self._version + 1:
                self._stale = True
                return Verdict.GAP
        self.info = self.info.apply(document)
        self._version = document.version if document.version is not None else self._version
        return Verdict.APPLIED


@attrs.frozen(kw_only=True)
class Merge:
    """How the part of one MCU type is put into a roster, and how much of it."""

    mcu_type: str
    mcu_uri: str
    role_of: Callable[[str], str]  #: role of a user whom only the MCU knows, such as one who was dialled
    max_users: int
    max_endpoints: int  #: of one user

    def into(self, roster: Roster, part: ConferenceInfo, only: Iterable[str] | None) -> None:
        """Bring the roster to what `part` says; `only` names the users (keys) that can have changed, None all."""
        named = {user_key(user.entity): user for user in (part.users.users if part.users is not None else ())}
        if only is None:
            keys = [*named, *(key for key, _ in roster.holders(self.mcu_type) if key not in named)]
        else:
            keys = list(only)
        for key in keys:
            self._user(roster, key, named.get(key))
        self._view(roster, part)

    def _user(self, roster: Roster, key: str, user: User | None) -> None:
        wanted = self._wanted(user)
        known = roster.users.get(key)
        if known is not None:
            for gone in known.of_type(self.mcu_type).keys() - wanted.keys():
                roster.remove_endpoint(known.entity, gone)
        if user is not None:
            for endpoint in wanted.values():
                self._endpoint(roster, key, user, endpoint)

    def _wanted(self, user: User | None) -> dict[str, Endpoint]:
        endpoints = user.endpoints if user is not None else ()
        return {
            endpoint_key(one.entity): attrs.evolve(one, session_type=self.mcu_type)
            for one in endpoints
            if one.session_type in (None, self.mcu_type) and one.state != State.DELETED
        }

    def _endpoint(self, roster: Roster, key: str, user: User, endpoint: Endpoint) -> None:
        known = roster.users.get(key)
        if known is None and len(roster.users) >= self.max_users:
            return
        present = known.endpoints.get(endpoint_key(endpoint.entity)) if known is not None else None
        if present is None and known is not None and len(known.endpoints) >= self.max_endpoints:
            return
        if present is not None and present.session_type != self.mcu_type:
            return  # An MCU owns endpoints of its own type only.
        roster.set_endpoint(user.entity, endpoint, role=self.role_of(key), display_text=user.display_text)

    def _view(self, roster: Roster, part: ConferenceInfo) -> None:
        views = part.conference_view.views if part.conference_view is not None else ()
        for view in views:
            if view_key(view.entity) == view_key(self.mcu_uri):
                roster.set_view(view)


def users_named(document: ConferenceInfo) -> list[str] | None:
    """Keys of the users that a partial document is about; None when it may be about all."""
    if document.state != State.PARTIAL:
        return None
    if document.users is None:
        return []
    if document.users.state in (State.FULL, State.DELETED):
        return None
    return [user_key(user.entity) for user in document.users.users]
