"""What becomes of an active conference when its record is another one, or gone."""

from __future__ import annotations

import attrs

from focus.active import ActiveConferences
from focus.events import EndReason
from focus.questions.procedure import Line, Steps, Turn, settled
from focus.questions.procedures import Procedures
from focus.questions.stores import Records
from focus.records import ConferenceRecord
from focus.refusal import Refused
from sip import ConferenceAddress, Event


@attrs.frozen(kw_only=True)
class _Told(Event):
    """The record of a conference is another one, or gone; ``record`` is there if whoever says so has it."""

    address: ConferenceAddress
    record: ConferenceRecord | None
    known: bool  #: whether ``record`` is what the store has
    version: int | None  #: of the record that the conference has, where only another one counts


class RecordChanges:
    """Follows what the store has for conferences that are active."""

    def __init__(self, owner: str, active: ActiveConferences, procedures: Procedures, records: Records) -> None:
        self._owner = owner
        self._active = active
        self._procedures = procedures
        self._records = records

    def told(self, conference_uri: str, record: ConferenceRecord | None, *, known: bool, now: float) -> None:
        """A record is another one, ``record`` where that is ``known``; None: it is gone."""
        self._look(ConferenceAddress.read(conference_uri), record, known=known, now=now)

    def check(self, address: ConferenceAddress, version: int, *, now: float) -> None:
        """See whether a record is still there, and of that version: nobody was here to be told."""
        self._look(address, None, known=False, version=version, now=now)

    def _look(
        self,
        address: ConferenceAddress,
        record: ConferenceRecord | None,
        *,
        known: bool,
        version: int | None = None,
        now: float,
    ) -> None:
        told = _Told(owner=self._owner, address=address, record=record, known=known, version=version)
        self._procedures.begin(self._take_record, told, now=now)

    def _take_record(self, told: _Told, turn: Turn) -> Steps[None]:
        try:
            # Joins that were there before may have read the record as it was.
            yield Line(told.address.key)
            if self._active.get(told.address.key) is None:
                return
            record = told.record if told.known else (yield from settled(self._records.find(told.address)))
        except Refused:
            return
        conference = self._active.get(told.address.key)
        if conference is None:
            return
        if record is None:
            conference.end(EndReason.EXPIRED if conference.expired(turn.now) else EndReason.DELETED, now=turn.now)
        elif record.version != told.version:
            conference.record_modified(record)
        self._active.settle(conference, now=turn.now)
