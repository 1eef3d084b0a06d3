"""A call as a ladder: one column an element, one step a message, one band a media stream.

The builder takes records as they come, so the same ladder is drawn live in a terminal, as text and as SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from pyc3p.trace.naming import Naming
from pyc3p.trace.notes import Note, notes_on
from pyc3p.trace.summary import Kind, summarize
from pyc3p.trace.trace import Address, Names, Record

#: Columns that a page can hold; what comes later shares the last one.
MAX_COLUMNS: Final = 24
OTHERS: Final = "others"
#: Messages in one picture; the capture has them all.
MAX_STEPS: Final = 5000
#: How much of a message is kept for a closer look; documents of large conferences are longer.
MAX_MESSAGE: Final = 32_000
#: Packets one way, and none the other, after which a band says so: two seconds.
ONE_WAY: Final = 100

PAYLOAD_NAMES: Final = {0: "PCMU", 8: "PCMA", 9: "G722", 13: "CN", 101: "telephone-event"}


@attrs.frozen(kw_only=True)
class Step:
    """One message between two elements."""

    at: float  #: seconds since the first record
    source: str
    target: str
    label: str
    detail: str
    kind: Kind
    transport: str
    message: str = attrs.field(repr=False, default="")
    number: str = ""  #: of the stage of a flow that begins with it


@attrs.define(kw_only=True)
class Band:
    """Media between two addresses, both ways; grows as packets come."""

    at: float  #: seconds since the first record, of the first packet
    left: str
    right: str
    last: float = 0.0
    forth: int = 0  #: RTP packets from left to right
    back: int = 0
    reports: int = 0  #: RTCP packets, both ways
    payload_types: set[int] = attrs.Factory(set)

    @property
    def label(self) -> str:
        """What flows."""
        names = [PAYLOAD_NAMES.get(number, f"payload type {number}") for number in sorted(self.payload_types)]
        return "RTP " + "+".join(names) if names else "RTCP"

    @property
    def detail(self) -> str:
        """How much of it."""
        told = f"{self.forth} → {self.back} ← packets in {self.last - self.at:.1f} s, {self.reports} RTCP"
        for count, other, silent in ((self.forth, self.back, self.right), (self.back, self.forth, self.left)):
            if count > ONE_WAY and not other:
                told += f", nothing from {silent}"
        return told


@attrs.frozen(kw_only=True)
class Act:
    """A heading: what people do from here on."""

    at: float  #: seconds since the first record
    text: str


@attrs.frozen(kw_only=True)
class Remark:
    """A note between the lines."""

    at: float  #: seconds since the first record
    text: str
    failed: bool


Item = Step | Band | Act | Remark


class Ladder:
    """Steps and bands in order of time, and the columns between which they run."""

    def __init__(self, names: Names | None = None, *, limit: int = MAX_STEPS, start: float | None = None) -> None:
        """Times count from ``start``, by default from the first record."""
        self.names = names or Names()
        self.items: list[Item] = []
        self.dropped = 0  #: messages beyond the limit
        self._bands: dict[frozenset[Address], Band] = {}
        self._columns: dict[str, None] = {}
        self._naming = Naming(self.names)
        self._start = start
        self._limit = limit

    @classmethod
    def of(
        cls,
        records: Iterable[Record],
        names: Names | None = None,
        *,
        acts: Iterable[tuple[float, str]] = (),
        start: float | None = None,
    ) -> Ladder:
        """The ladder of all these records, which are in order of time.

        Names that the records tell are those of the whole ladder, and notes stand where a stage took long or failed.
        ``acts`` are headings, each with the time at which it begins, and ``start`` is the time from which all is
        counted, if not from the first record; both on the clock of the records.
        """
        ladder, kept = cls(names), list(records)
        ladder._start = start if start is not None or not kept else kept[0].at
        for record in kept:
            ladder._naming.learn(record)
        ladder._naming.settle()
        headings, notes = sorted(acts), notes_on(kept)
        for record in kept:
            while headings and headings[0][0] <= record.at:
                at, text = headings.pop(0)
                ladder.items.append(Act(at=ladder._since(max(at, kept[0].at)), text=text))
            while notes and notes[0].at < record.at:
                ladder._add_note(notes.pop(0))
            ladder._take(record)
        for note in notes:
            ladder._add_note(note)
        return ladder

    def number(self, stage_of: Callable[[Step], str]) -> None:
        """Number the steps with which stages begin; ``stage_of`` gives the number, or an empty text."""
        for place, item in enumerate(self.items):
            if isinstance(item, Step) and (number := stage_of(item)):
                self.items[place] = attrs.evolve(item, number=number)

    @property
    def columns(self) -> tuple[str, ...]:
        """Elements that took part: in the order of the names, then as they appeared."""
        known = [name for name in self.names.elements if name in self._columns]
        return (*known, *(name for name in self._columns if name not in known))

    def add(self, record: Record) -> Step | Band | None:
        """Take one record; the step it makes, the band it begins, or None when it only makes a band longer.

        Live, as records come: an element is called by what is known of it by then.
        """
        self._naming.learn(record)
        return self._take(record)

    def _take(self, record: Record) -> Step | Band | None:
        if self._start is None:
            self._start = record.at
        if len(self.items) >= self._limit:
            self.dropped += 1
            return None
        if record.layer in ("rtp", "rtcp"):
            return self._add_media(record)
        return self._add_step(record)

    def _add_step(self, record: Record) -> Step:
        summary = summarize(record)
        step = Step(
            at=self._since(record.at),
            source=self._column(record.source),
            target=self._column(record.destination),
            label=summary.label,
            detail=summary.detail,
            kind=summary.kind,
            transport=record.transport,
            message=record.data[:MAX_MESSAGE].decode("utf-8", "replace"),
        )
        self.items.append(step)
        return step

    def _add_note(self, note: Note) -> None:
        if len(self.items) < self._limit:
            self.items.append(Remark(at=self._since(note.at), text=note.text, failed=note.failed))

    def _add_media(self, record: Record) -> Band | None:
        pair = self._pair(record)
        band = self._bands.get(pair)
        new = band is None
        if band is None:
            left, right = self._column(record.source), self._column(record.destination)
            if {left, right} <= set(self.columns) and self.columns.index(left) > self.columns.index(right):
                left, right = right, left
            band = self._bands[pair] = Band(at=self._since(record.at), left=left, right=right)
            self.items.append(band)
        self._count(band, record)
        return band if new else None

    def _pair(self, record: Record) -> frozenset[Address]:
        """Both RTP addresses: RTCP on the ports above belongs to the same band (RFC 3550 section 11)."""
        ends = (record.source, record.destination)
        if record.layer == "rtcp" and frozenset(ends) not in self._bands:
            ends = ((ends[0][0], ends[0][1] - 1), (ends[1][0], ends[1][1] - 1))
        return frozenset(ends)

    def _count(self, band: Band, record: Record) -> None:
        band.last = self._since(record.at)
        if record.layer == "rtcp":
            band.reports += 1
            return
        band.payload_types.add(record.data[1] & 0x7F)
        if self._column(record.source) == band.left:
            band.forth += 1
        else:
            band.back += 1

    def _since(self, at: float) -> float:
        return at - (self._start or 0.0)

    def _column(self, address: Address) -> str:
        name = self.names.label(address)
        if name not in self._columns:
            if len(self._columns) >= MAX_COLUMNS:
                name = OTHERS
            self._columns.setdefault(name)
        return name
