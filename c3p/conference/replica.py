"""A receiver's copy of a conference, kept by the rules of versions (RFC 4575 section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from c3p.conference.changes import Change, changes
from c3p.conference.info import ConferenceInfo
from c3p.conference.merge import apply, read_state
from c3p.conference.user import User
from c3p.conference.user_index import UserIndex
from c3p.errors import MalformedDocument
from c3p.life import Life
from c3p.uris import conference_key
from c3p.vocabulary import State


class ReplicaState(Enum):
    """What the receiver has."""

    __hash__ = object.__hash__

    UNKNOWN = auto()  #: nothing yet
    CURRENT = auto()
    STALE = auto()  #: something is missing: a full document is needed
    GONE = auto()  #: the conference is over


class ReplicaInput(Enum):
    """What a document is to the receiver."""

    __hash__ = object.__hash__

    FULL = auto()  #: newer, or the answer to our own subscription
    PARTIAL = auto()  #: the next one
    AHEAD = auto()  #: partial, and others are missing before it
    UNREADABLE = auto()  #: a state that is none, no version, no entity: nobody knows what it would have changed
    OLD = auto()  #: passed by already
    DELETED = auto()


class Receipt(Enum):
    """What became of a document."""

    APPLIED = auto()
    IGNORED = auto()  #: old, a repetition, or of another conference
    GAP = auto()  #: not applied: subscribe again, or ask with getConference, to get a full document
    DELETED = auto()


#: A document outside the table is ignored: what a peer sends never raises.
REPLICA: Final[Mapping[tuple[ReplicaState, ReplicaInput], ReplicaState]] = MappingProxyType(
    {
        (ReplicaState.UNKNOWN, ReplicaInput.FULL): ReplicaState.CURRENT,
        (ReplicaState.UNKNOWN, ReplicaInput.AHEAD): ReplicaState.STALE,
        (ReplicaState.UNKNOWN, ReplicaInput.UNREADABLE): ReplicaState.STALE,
        (ReplicaState.UNKNOWN, ReplicaInput.DELETED): ReplicaState.GONE,
        (ReplicaState.CURRENT, ReplicaInput.FULL): ReplicaState.CURRENT,
        (ReplicaState.CURRENT, ReplicaInput.PARTIAL): ReplicaState.CURRENT,
        (ReplicaState.CURRENT, ReplicaInput.AHEAD): ReplicaState.STALE,
        (ReplicaState.CURRENT, ReplicaInput.UNREADABLE): ReplicaState.STALE,
        (ReplicaState.CURRENT, ReplicaInput.DELETED): ReplicaState.GONE,
        (ReplicaState.STALE, ReplicaInput.FULL): ReplicaState.CURRENT,
        (ReplicaState.STALE, ReplicaInput.UNREADABLE): ReplicaState.STALE,
        (ReplicaState.STALE, ReplicaInput.DELETED): ReplicaState.GONE,
    }
)

_APPLIED: Final = frozenset({ReplicaInput.FULL, ReplicaInput.PARTIAL})


class Replica:
    """Feed it every document of one subscription, in the order of arrival.

    ``entity`` is the conference that was subscribed to; without it the first document says which it is.
    """

    def __init__(self, *, strict: bool = False, entity: str | None = None) -> None:
        self._strict = strict
        self._life = Life(REPLICA, ReplicaState.UNKNOWN)
        self._conference = conference_key(entity) if entity else None
        self._entity = entity  #: as it was spelt last, so that a name is read once
        self._info: ConferenceInfo | None = None
        self._version: int | None = None
        self._step: tuple[ConferenceInfo | None, ConferenceInfo | None] = (None, None)  # before and after the last one
        self._changes: tuple[Change, ...] | None = None
        self._index = UserIndex()

    @property
    def state(self) -> ReplicaState:
        """What the receiver has."""
        return self._life.state

    @property
    def info(self) -> ConferenceInfo | None:
        """The conference as far as it is known; when stale, as it was before the gap; None when unknown or gone."""
        return self._info

    @property
    def version(self) -> int | None:
        """Version of the last document that was applied, None before the first."""
        return self._version

    @property
    def stale(self) -> bool:
        """Whether a full document is needed."""
        return self.state is ReplicaState.STALE

    def receive(self, document: ConferenceInfo, *, solicited: bool = False) -> Receipt:
        """Take a document; ``solicited`` when a full one answers our own new subscription, whose versions start anew.

        Documents of another conference are ignored. What cannot be read, or says neither version nor entity, changes
        nothing: the answer is GAP (RFC 4575 sections 4.3 and 4.6).
        """
        self._step, self._changes = (None, None), ()
        if self._foreign(document):
            return Receipt.IGNORED
        after: ConferenceInfo | None = None
        kind = self.judge(document, solicited=solicited)
        try:
            if kind in _APPLIED and self._life.allows(kind):
                after = self._after(document)
        except MalformedDocument:
            kind = ReplicaInput.UNREADABLE
        if not self._life.follow(kind):
            return Receipt.IGNORED
        state = self._life.state
        if state is ReplicaState.STALE:
            return Receipt.GAP
        self._take(document, after)
        return Receipt.DELETED if state is ReplicaState.GONE else Receipt.APPLIED

    def begin(self, document: ConferenceInfo) -> Receipt:
        """Take what the answer to a command says of the whole conference, which needs no version.

        Whatever was notified before is newer: IGNORED. GAP when it cannot be read. Documents that follow count from its
        version; where it has none, only another whole one does.
        """
        self._step, self._changes = (None, None), ()
        if self._info is not None or self.state is ReplicaState.GONE or self._foreign(document):
            return Receipt.IGNORED
        try:
            after = document.settled()
        except MalformedDocument:
            return Receipt.GAP
        self._life.command(ReplicaInput.FULL)
        self._take(document, after)
        return Receipt.APPLIED

    def mark_stale(self) -> None:
        """Something came that was of no use, so that something is missing: a full document is needed."""
        self._life.follow(ReplicaInput.UNREADABLE)

    def rest(self) -> None:
        """Nothing is followed for now: keep what is known, and nothing that only makes following fast."""
        self._index = UserIndex()

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the document of the last :meth:`receive` has changed; nothing when it was not applied."""
        if self._changes is None:
            self._changes = tuple(changes(*self._step, users=self._changed_users()))
        return self._changes

    def _changed_users(self) -> tuple[tuple[User, ...], tuple[User, ...]] | None:
        """Those that differ, before and after the last document, where that is known without a look at all."""
        old, new = self._step
        if old is None or new is None or old.users is None or new.users is None:
            return None
        return self._index.step(old.users.users, new.users.users)

    def judge(self, document: ConferenceInfo, *, solicited: bool = False) -> ReplicaInput:
        """Say what a document is by its version and state; nothing changes."""
        try:
            state = read_state(document.state)
        except MalformedDocument:
            return ReplicaInput.UNREADABLE
        version, known = document.version, self._version
        if version is None or not document.entity:
            return ReplicaInput.UNREADABLE
        if known is not None and version <= known and not (solicited and state is State.FULL):
            return ReplicaInput.OLD
        if state is State.DELETED:
            return ReplicaInput.DELETED
        if state is State.FULL:
            return ReplicaInput.FULL
        return ReplicaInput.PARTIAL if known is not None and version == known + 1 else ReplicaInput.AHEAD

    def _take(self, document: ConferenceInfo, after: ConferenceInfo | None) -> None:
        self._step, self._changes = (self._info, after), None
        self._info, self._version = after, document.version
        if document.entity != self._entity:
            self._entity, self._conference = document.entity, conference_key(document.entity)

    def _after(self, document: ConferenceInfo) -> ConferenceInfo:
        if self._info is None:
            return document.settled()
        return apply(self._info, document, strict=self._strict, index=self._index)

    def _foreign(self, document: ConferenceInfo) -> bool:
        if not self._conference or not document.entity or document.entity == self._entity:
            return False
        return conference_key(document.entity) != self._conference
