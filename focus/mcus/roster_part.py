"""What one MCU says of a conference: versions, and how it gets into the roster (RFC 4575 section 4.3)."""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs

from c3p import ConferenceInfo, Endpoint, Receipt, Replica, ReplicaInput, State, Status, User, guid_key
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
    """The copy that the Focus keeps of one MCU's part of a conference; each name in it is read once.

    Versions and states go by the rules and the table of `c3p.Replica`. What is of its own here is how often an MCU is
    asked, and when it is given up.
    """

    def __init__(self, conference: ConferenceAddress) -> None:
        self.users: dict[str, tuple[AddressOfRecord, User]] = {}  #: the users in `info`, by key
        self.changed: tuple[str, ...] | None = None  #: users (keys) whom the last document can have changed; None: all
        self._conference = conference
        self._replica = Replica()
        self._read: dict[str, AddressOfRecord] = {}  #: names of the users in `info`, as they are spelt there
        self._doubted = False  #: whether the last answer to getConference was old, or could not be read

    @property
    def info(self) -> ConferenceInfo | None:
        """The part as far as it is known."""
        return self._replica.info

    def receive(self, document: ConferenceInfo) -> Verdict:
        """Take a notification in; `info` is the part after it.

        What cannot be read, has no version or is of another conference changes nothing: GAP.
        """
        if not self._is_ours(document):
            self._replica.mark_stale()
            return Verdict.GAP
        given, known = self._replica.judge(document), self._replica.version
        if given is ReplicaInput.OLD:
            older = document.version != known and document.state != State.PARTIAL
            return Verdict.RESET if older else Verdict.IGNORED
        if given is ReplicaInput.DELETED:
            return Verdict.DELETED  # the MCU is given up, and this part with it
        if self._replica.receive(document) is not Receipt.APPLIED:
            return Verdict.GAP
        if given is ReplicaInput.FULL:
            self._doubted = False
        self._read_names(None if given is ReplicaInput.FULL else users_named(document))
        return Verdict.APPLIED

    def begin(self, document: ConferenceInfo) -> Verdict:
        """Take the answer to addConference in, which need not have a version: whatever was notified is newer."""
        if self.info is not None:
            return Verdict.IGNORED
        if not self._is_ours(document) or self._replica.begin(document) is not Receipt.APPLIED:
            return Verdict.GAP
        self._read_names(None)
        return Verdict.APPLIED

    def answered(self, document: ConferenceInfo) -> Verdict:
        """Take the answer to getConference in, a whole document whatever it calls itself.

        GAP: it was overtaken, or cannot be read, ask once more; RESET and UNREADABLE: so it is for a second time.
        """
        fault, known = Verdict.UNREADABLE, self._replica.version
        whole = attrs.evolve(document, state=State.FULL)
        if whole.version is not None and self._is_ours(whole):
            if known is not None and whole.version < known:
                fault = Verdict.RESET
            elif self._replica.receive(whole, solicited=True) is Receipt.APPLIED:
                self._doubted = False
                self._read_names(None)
                return Verdict.APPLIED
        doubted, self._doubted = self._doubted, True
        return fault if doubted else Verdict.GAP

    def _read_names(self, named: list[str] | None) -> None:
        """Read the names of what was taken in; ``named`` are those that it is about, None for all."""
        info = self.info
        users = info.users.users if info is not None and info.users is not None else ()
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
    is_leaving: Callable[[str], bool]  #: whether a user (key) is being put out of this MCU
    max_users: int
    max_endpoints: int  #: of one user
    #: Told of callers who have keyed in wrong passcodes: endpoint and how many so far. Others need not know it.
    keyed_wrong: Callable[[str, int], None]

    def into(self, roster: Roster, part: McuPart) -> list[AddressOfRecord]:
        """Bring the roster to what `part` says, after the document that it took in last.

        Returned are users of whom it says more than the roster can show. Who is not shown must not be there.
        """
        unshown: list[AddressOfRecord] = []
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
                shown = [self._endpoint(roster, address, user, endpoint) for endpoint in wanted.values()]
                if not all(shown):
                    unshown.append(address)
        self._view(roster, part.info)
        return unshown

    def _wanted(self, user: User | None) -> dict[str, Endpoint]:
        endpoints = user.endpoints if user is not None else ()
        return {
            guid_key(one.entity): one if one.session_type else attrs.evolve(one, session_type=self.mcu_type)
            for one in endpoints
            if one.session_type in (None, self.mcu_type) and one.state != State.DELETED
        }

    def _endpoint(self, roster: Roster, address: AddressOfRecord, user: User, endpoint: Endpoint) -> bool:
        """Show an endpoint; false when that cannot be, and it is not about to go by itself."""
        known, over = roster.find(address), endpoint.status in (Status.DISCONNECTING, Status.DISCONNECTED)
        if known is None and len(roster.users) >= self.max_users:
            return over
        present = known.endpoints.get(guid_key(endpoint.entity)) if known is not None else None
        if present is None and known is not None and len(known.endpoints) >= self.max_endpoints:
            return over
        if present is not None and present.session_type != self.mcu_type:
            return over  # An MCU owns endpoints of its own type only.
        if endpoint.wrong_passcodes is not None:
            self.keyed_wrong(endpoint.entity, endpoint.wrong_passcodes)
            endpoint = attrs.evolve(endpoint, wrong_passcodes=None)
        if self.is_leaving(address.key):
            endpoint = as_leaving(endpoint)
        roster.set_endpoint(address, endpoint, role=self.role_of(address.key), display_text=user.display_text)
        return True

    def _view(self, roster: Roster, info: ConferenceInfo | None) -> None:
        views = info.conference_view.views if info is not None and info.conference_view is not None else ()
        for view in views:
            if self.view.is_named_by(view.entity):
                roster.set_view(self.view, view)


def as_leaving(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose user is being put out, whatever else its MCU says of it as long as it is there."""
    over = endpoint.status in (Status.DISCONNECTING, Status.DISCONNECTED)
    return endpoint if over else attrs.evolve(endpoint, status=Status.DISCONNECTING)


def users_named(document: ConferenceInfo) -> list[str] | None:
    """The users that a partial document is about, as it spells them; None when it may be about all."""
    if document.state != State.PARTIAL:
        return None
    if document.users is None:
        return []
    if document.users.state in (State.FULL, State.DELETED):
        return None
    return [user.entity for user in document.users.users]
