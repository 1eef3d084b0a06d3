"""What one MCU says of a conference: versions, and how it gets into the roster (conference-info 4.2 and 6)."""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs

from c3p import ConferenceInfo, Endpoint, MalformedDocument, State, User, guid_key, state_of
from focus.roster import Roster
from sip import AddressOfRecord, ConferenceAddress


class Verdict(enum.Enum):
    """What a document of an MCU is worth."""

    APPLIED = "applied"
    IGNORED = "ignored"  #: old, or a repetition
    GAP = "gap"  #: something is missing or cannot be read: ask for the whole
    RESET = "reset"  #: an old one, or the MCU began to count again because it lost its state: ask which
    UNREADABLE = "unreadable"  #: asked twice, and still no document that can be used
    DELETED = "deleted"  #: the MCU dropped the conference


class McuPart:
    """The copy that the Focus keeps of one MCU's part of a conference; each name in it is read once."""

    def __init__(self, conference: ConferenceAddress) -> None:
        self.info: ConferenceInfo | None = None
        self.users: dict[str, tuple[AddressOfRecord, User]] = {}  #: the users in `info`, by key
        self.changed: tuple[str, ...] | None = None  #: users (keys) whom the last document can have changed; None: all
        self._conference = conference
        self._read: dict[str, AddressOfRecord] = {}  #: names of the users in `info`, as they are spelt there
        self._version: int | None = None
        self._stale = False
        self._doubted = False  #: whether the last answer to getConference was old, or could not be read

    def receive(self, document: ConferenceInfo) -> Verdict:
        """Take a notification in; `info` is the part after it.

        What cannot be read, has no version or is of another conference changes nothing: GAP.
        """
        try:
            return self._receive(document)
        except MalformedDocument:
            self._stale = True
            return Verdict.GAP

    def _receive(self, document: ConferenceInfo) -> Verdict:
        state, version = state_of(document), document.version
        if version is None or not self._is_ours(document):
            self._stale = True
            return Verdict.GAP
        if self._version is not None and version <= self._version:
            older = version < self._version and state is not State.PARTIAL
            return Verdict.RESET if older else Verdict.IGNORED
        if state is State.DELETED:
            return Verdict.DELETED
        if state is State.FULL:
            self._replace(document)
            return Verdict.APPLIED
        if self.info is None or self._stale or self._version is None or version > self._version + 1:
            self._stale = True
            return Verdict.GAP
        self._take(self.info.apply(document), version, users_named(document))
        return Verdict.APPLIED

    def begin(self, document: ConferenceInfo) -> Verdict:
        """Take the answer to addConference in, which need not have a version: whatever was notified is newer."""
        if self.info is not None:
            return Verdict.IGNORED
        try:
            if self._is_ours(document):
                self._replace(document)
                return Verdict.APPLIED
        except MalformedDocument:
            pass
        return Verdict.GAP

    def answered(self, document: ConferenceInfo) -> Verdict:
        """Take the answer to getConference in, a whole document whatever it calls itself.

        GAP: it was overtaken, or cannot be read, ask once more; RESET and UNREADABLE: so it is for a second time.
        """
        fault = Verdict.UNREADABLE
        try:
            whole = attrs.evolve(document, state=State.FULL)
            if whole.version is not None and self._is_ours(whole):
                if self._version is None or whole.version >= self._version:
                    self._replace(whole)
                    return Verdict.APPLIED
                fault = Verdict.RESET
        except MalformedDocument:
            pass
        doubted, self._doubted = self._doubted, True
        return fault if doubted else Verdict.GAP

    def _replace(self, document: ConferenceInfo) -> None:
        self._take(document.settled(), document.version, None)
        self._stale = self._doubted = False

    def _take(self, info: ConferenceInfo, version: int | None, named: list[str] | None) -> None:
        self.info, self._version = info, version
        users = info.users.users if info.users is not None else ()
        before = self._read
        self._read = {one.entity: before.get(one.entity) or AddressOfRecord.read(one.entity) for one in users}
        self.users = {self._read[one.entity].key: (self._read[one.entity], one) for one in users}
        if named is not None:
            known = [self._read.get(text) or before.get(text) or AddressOfRecord.read(text) for text in named]
            self.changed = tuple(one.key for one in known)
        else:
            self.changed = None

    def _is_ours(self, document: ConferenceInfo) -> bool:
        return self._conference.is_named_by(document.entity)


@attrs.frozen(kw_only=True)
class Merge:
    """How the part of one MCU type is put into a roster, and how much of it."""

    mcu_type: str
    view: ConferenceAddress  #: the MCU-Conference-URI
    role_of: Callable[[str], str]  #: role of a user whom only the MCU knows, such as one who was dialled
    max_users: int
    max_endpoints: int  #: of one user

    def into(self, roster: Roster, part: McuPart) -> None:
        """Bring the roster to what `part` says, after the document that it took in last."""
        keys = part.changed
        if keys is None:
            keys = (*part.users, *(key for key, _ in roster.holders(self.mcu_type) if key not in part.users))
        for key in keys:
            address, user = part.users.get(key, (None, None))
            wanted = self._wanted(user)
            known = roster.users.get(key)
            if known is not None:
                for gone in known.of_type(self.mcu_type).keys() - wanted.keys():
                    roster.remove_endpoint(known.address, gone)
            if address is not None and user is not None:
                for endpoint in wanted.values():
                    self._endpoint(roster, address, user, endpoint)
        self._view(roster, part.info)

    def _wanted(self, user: User | None) -> dict[str, Endpoint]:
        endpoints = user.endpoints if user is not None else ()
        return {
            guid_key(one.entity): attrs.evolve(one, session_type=self.mcu_type)
            for one in endpoints
            if one.session_type in (None, self.mcu_type) and one.state != State.DELETED
        }

    def _endpoint(self, roster: Roster, address: AddressOfRecord, user: User, endpoint: Endpoint) -> None:
        known = roster.find(address)
        if known is None and len(roster.users) >= self.max_users:
            return
        present = known.endpoints.get(guid_key(endpoint.entity)) if known is not None else None
        if present is None and known is not None and len(known.endpoints) >= self.max_endpoints:
            return
        if present is not None and present.session_type != self.mcu_type:
            return  # An MCU owns endpoints of its own type only.
        roster.set_endpoint(address, endpoint, role=self.role_of(address.key), display_text=user.display_text)

    def _view(self, roster: Roster, info: ConferenceInfo | None) -> None:
        views = info.conference_view.views if info is not None and info.conference_view is not None else ()
        for view in views:
            if self.view.is_named_by(view.entity):
                roster.set_view(self.view, view)


def users_named(document: ConferenceInfo) -> list[str] | None:
    """The users that a partial document is about, as it spells them; None when it may be about all."""
    if document.state != State.PARTIAL:
        return None
    if document.users is None:
        return []
    if document.users.state in (State.FULL, State.DELETED):
        return None
    return [user.entity for user in document.users.users]
