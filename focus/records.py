"""Conference records: what the Focus Factory stores and a Focus activates (docs/architecture.rst)."""

from __future__ import annotations

import enum
import heapq
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final, Protocol

import attrs

from c3p import AdmissionPolicy
from focus.errors import RecordExists, StoreFull
from sip import AddressOfRecord, Uri, aor_key

#: What a person types: visible ASCII, long enough to be guessed seldom.
_PASSCODE: Final = re.compile(r"[!-~]{4,64}")

#: OCS 2007 and later ask for 8 to 32 ASCII alphanumerics (MS-CONFBAS).
_CONFERENCE_ID: Final = re.compile(r"[A-Za-z0-9]{8,32}")


def is_conference_id(text: str) -> bool:
    """Whether `text` may name a conference: 8 to 32 ASCII letters and digits."""
    return _CONFERENCE_ID.fullmatch(text) is not None


def is_passcode(text: str) -> bool:
    """Whether `text` may be a passcode: 4 to 64 visible ASCII characters."""
    return _PASSCODE.fullmatch(text) is not None


@attrs.frozen(kw_only=True, slots=False)
class ConferenceRecord:
    """One scheduled conference. It outlives its activations and dies at `expires_at`.

    What is derived of it is kept with it once somebody asks, which only an active conference does.
    """

    conference_id: str  #: 8 to 32 ASCII alphanumerics, unique for the organizer
    organizer: str  #: SIP URI of the organizer, in the organizer's own spelling
    focus_uri: str  #: Conference-URI
    mcu_types: tuple[str, ...] = ()  #: media types enabled for this conference
    subject: str | None = None
    display_text: str | None = None
    admission_policy: str = AdmissionPolicy.OPEN_AUTHENTICATED
    roles: tuple[tuple[str, str], ...] = ()  #: (user URI, role) as set at scheduling
    expires_at: float | None = None  #: wall-clock seconds since 1970, None never
    autopromote: int | None = None  #: bit mask of the scheduling client
    lobby_capable: bool = False  #: whether those who may not enter directly wait in a lobby
    attendee_dialout: bool = False  #: whether attendees may dial out to third parties
    anonymous_dialout: bool = False  #: whether anonymous participants may dial out
    #: what guests have to know where `admission_policy` is anonymous; None: nothing. It is in no `repr`, and in no
    #: document but that for a Focus elsewhere. A store keeps it as it keeps the rest.
    passcode: str | None = attrs.field(default=None, repr=False)
    dial_in: str | None = None  #: number by which plain phones reach it, `DialInNumbers`; None: they do not
    #: whether a phone that calls the number is let in although nobody knows who it is, past lobby and lists
    pstn_lobby_bypass: bool = False
    version: int = 1  #: counts the changes of the record

    @cached_property
    def owner(self) -> AddressOfRecord:
        """The organizer, read."""
        return AddressOfRecord.read(self.organizer)

    @cached_property
    def listed(self) -> tuple[tuple[AddressOfRecord, str], ...]:
        """Those who have a role since scheduling, read."""
        return tuple((AddressOfRecord.read(user), role) for user, role in self.roles)

    def is_over(self, wall_clock: float) -> bool:
        """Whether its time is over at `wall_clock`, in seconds since 1970."""
        return self.expires_at is not None and self.expires_at <= wall_clock


class Written(enum.Enum):
    """What became of a record that was to be written."""

    DONE = "done"
    EXISTS = "exists"  #: it was to be new, and there is one of that key
    CHANGED = "changed"  #: it is another version than the one that was to be replaced, or gone
    FULL = "full"  #: a limit of the store is reached


class ConferenceStore(Protocol):
    """Where records live that can be had at once. Keys are `sip.conference_key` of the Conference-URI.

    A store that needs time to answer is none of these: see `RecordWanted`.
    """

    def add(self, key: str, record: ConferenceRecord) -> None:
        """Keep a new record. Raises `RecordExists` or `StoreFull`."""

    def get(self, key: str) -> ConferenceRecord | None:
        """The record, or None."""

    def replace(self, key: str, record: ConferenceRecord) -> None:
        """Put a newer version in place of a record. Raises KeyError when there is none."""

    def remove(self, key: str) -> ConferenceRecord | None:
        """Forget a record; None when there was none."""

    def of_organizer(self, organizer_key: str) -> tuple[ConferenceRecord, ...]:
        """All records whose organizer has this `sip.aor_key`."""

    def next_timeout(self) -> float | None:
        """When the next record expires, in monotonic seconds."""

    def expire(self, *, now: float) -> Iterable[ConferenceRecord]:
        """Drop the records whose time has come and return them."""


@attrs.define
class _Entry:
    record: ConferenceRecord
    organizer_key: str


class MemoryStore:
    """Records in memory, bounded. One timer for all of them: the earliest expiry.

    `wall_clock` is the time since 1970 at monotonic 0, so that expiry times (wall clock) become timeouts (monotonic).
    `limit` bounds the memory that organizers can take; `per_organizer` what one of them can.
    """

    def __init__(self, *, limit: int = 100_000, per_organizer: int = 1_000, wall_clock: float = 0.0) -> None:
        self._limit = limit
        self._per_organizer = per_organizer
        self._wall_clock = wall_clock
        self._entries: dict[str, _Entry] = {}
        self._by_organizer: dict[str, dict[str, None]] = {}
        self._by_number: dict[str, str] = {}
        self._expiries: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: str, record: ConferenceRecord) -> None:
        """Keep a new record. Raises `RecordExists` for a key in use and `StoreFull` at a limit."""
        if key in self._entries:
            raise RecordExists(record.conference_id)
        organizer = aor_key(Uri.parse(record.organizer))
        owned = self._by_organizer.get(organizer, {})
        if len(self._entries) >= self._limit or len(owned) >= self._per_organizer:
            raise StoreFull(record.conference_id)
        self._keep(key, record, organizer)

    def put(self, key: str, record: ConferenceRecord) -> None:
        """Keep a record whose key is free, whatever the limits are."""
        self._keep(key, record, aor_key(Uri.parse(record.organizer)))

    def _keep(self, key: str, record: ConferenceRecord, organizer: str) -> None:
        self._entries[key] = _Entry(record, organizer)
        self._by_organizer.setdefault(organizer, {})[key] = None
        if record.dial_in is not None:
            self._by_number[record.dial_in] = key
        self._schedule(key, record)

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all records."""
        return tuple(self._entries)

    def of_number(self, number: str) -> ConferenceRecord | None:
        """The record that has a dial-in number, or None."""
        key = self._by_number.get(number)
        return None if key is None else self.get(key)

    def get(self, key: str) -> ConferenceRecord | None:
        """The record, or None."""
        entry = self._entries.get(key)
        return entry.record if entry is not None else None

    def replace(self, key: str, record: ConferenceRecord) -> None:
        """Put a newer version in place of a record. Raises KeyError when there is none."""
        entry = self._entries[key]
        moved = entry.record.expires_at != record.expires_at
        if record.dial_in != entry.record.dial_in:
            self._forget_number(key, entry.record)
            if record.dial_in is not None:
                self._by_number[record.dial_in] = key
        entry.record = record
        if moved:
            self._schedule(key, record)

    def remove(self, key: str) -> ConferenceRecord | None:
        """Forget a record; None when there was none."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        self._forget_number(key, entry.record)
        owned = self._by_organizer[entry.organizer_key]
        del owned[key]
        if not owned:
            del self._by_organizer[entry.organizer_key]
        self._tidy()
        return entry.record

    def _forget_number(self, key: str, record: ConferenceRecord) -> None:
        """It may be that of another record by now, where somebody gave two the same."""
        if record.dial_in is not None and self._by_number.get(record.dial_in) == key:
            del self._by_number[record.dial_in]

    def of_organizer(self, organizer_key: str) -> tuple[ConferenceRecord, ...]:
        """All records of one organizer, oldest first."""
        keys = self._by_organizer.get(organizer_key, {})
        return tuple(self._entries[key].record for key in keys)

    def next_timeout(self) -> float | None:
        """When the next record expires, in monotonic seconds."""
        self._drop_stale()
        return self._expiries[0][0] - self._wall_clock if self._expiries else None

    def expire(self, *, now: float) -> list[ConferenceRecord]:
        """Drop the records whose time has come and return them."""
        gone: list[ConferenceRecord] = []
        while (due := self.next_timeout()) is not None and due <= now:
            _, key = heapq.heappop(self._expiries)
            gone.append(self._entries[key].record)
            self.remove(key)
        return gone

    def _schedule(self, key: str, record: ConferenceRecord) -> None:
        if record.expires_at is not None:
            heapq.heappush(self._expiries, (record.expires_at, key))

    def _is_stale(self, expires_at: float, key: str) -> bool:
        entry = self._entries.get(key)
        return entry is None or entry.record.expires_at != expires_at

    def _drop_stale(self) -> None:
        while self._expiries and self._is_stale(*self._expiries[0]):
            heapq.heappop(self._expiries)

    def _tidy(self) -> None:
        # Removed records leave their place in the heap; it must not outgrow what is stored.
        if len(self._expiries) > 2 * len(self._entries) + 64:
            self._expiries = [item for item in self._expiries if not self._is_stale(*item)]
            heapq.heapify(self._expiries)
