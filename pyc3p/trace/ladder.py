"""A call as a ladder: one column an element, one step a message, one band a media stream.

The builder takes records as they come, so the same ladder is drawn live in a terminal, as text and as SVG.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from pyc3p.trace.summary import Kind, sdp_addresses, summarize
from pyc3p.trace.trace import Address, Names, Record, text_address

#: Columns that a page can hold; what comes later shares the last one.
MAX_COLUMNS: Final = 24
OTHERS: Final = "others"
#: Messages in one picture; the capture has them all.
MAX_STEPS: Final = 5000
#: How much of a message is kept for a closer look (SVG tooltips).
MAX_MESSAGE: Final = 1500

PAYLOAD_NAMES: Final = {0: "PCMU", 8: "PCMA", 9: "G722", 13: "CN", 101: "telephone-event"}
_VIA: Final = re.compile(
    rb"(?im)^(?:via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*\w+[ \t]+(\[[^\]]+\]|[^:;,\s]+):(\d+)"
)
#: What the sender of a C3P request says of itself: where answers reach it, or an MCU's addresses.
_OWN_ADDRESS: Final = re.compile(
    rb"<(?:[\w.-]{1,40}:)?(?:callback-uri|sip-uri|http-url)>\s*(?:https?://|sips?:)(?:[^<@/\s]{1,200}@)?"
    rb"(\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,255}):(\d{1,5})"
)
_SDP_START: Final = re.compile(rb"\r\n\r\nv=0\r?\n")


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
        return f"{self.forth} → {self.back} ← packets in {self.last - self.at:.1f} s, {self.reports} RTCP"


class Ladder:
    """Steps and bands in order of time, and the columns between which they run."""

    def __init__(self, names: Names | None = None, *, limit: int = MAX_STEPS, start: float | None = None) -> None:
        """Times count from ``start``, by default from the first record."""
        self.names = names or Names()
        self.items: list[Step | Band] = []
        self.dropped = 0  #: messages beyond the limit
        self._bands: dict[frozenset[Address], Band] = {}
        self._columns: dict[str, None] = {}
        self._speakers: dict[str, set[str]] = {}  #: columns of SIP by host
        self._start = start
        self._limit = limit

    @classmethod
    def of(cls, records: Iterable[Record], names: Names | None = None) -> Ladder:
        """The ladder of all these records."""
        ladder = cls(names)
        for record in records:
            ladder.add(record)
        return ladder

    @property
    def columns(self) -> tuple[str, ...]:
        """Elements that took part: in the order of the names, then as they appeared."""
        known = [name for name in self.names.elements if name in self._columns]
        return (*known, *(name for name in self._columns if name not in known))

    def add(self, record: Record) -> Step | Band | None:
        """Take one record; the step it makes, the band it begins, or None when it only makes a band longer."""
        if self._start is None:
            self._start = record.at
        if len(self.items) >= self._limit:
            self.dropped += 1
            return None
        if record.layer in ("rtp", "rtcp"):
            return self._add_media(record)
        self._learn(record)
        return self._add_step(record)

    def _add_step(self, record: Record) -> Step:
        summary = summarize(record)
        step = Step(
            at=self._since(record),
            source=self._column(record.source),
            target=self._column(record.destination),
            label=summary.label,
            detail=summary.detail,
            kind=summary.kind,
            transport=record.transport,
            message=record.data[:MAX_MESSAGE].decode("utf-8", "replace"),
        )
        self.items.append(step)
        if record.layer == "sip":
            self._speaks(record.source[0], step.source)
            self._speaks(record.destination[0], step.target)
        return step

    def _speaks(self, host: str, column: str) -> None:
        if host in self._speakers or len(self._speakers) < MAX_STEPS:
            self._speakers.setdefault(host, set()).add(column)

    def _add_media(self, record: Record) -> Band | None:
        pair = self._pair(record)
        band = self._bands.get(pair)
        new = band is None
        if band is None:
            left, right = self._column(record.source), self._column(record.destination)
            if {left, right} <= set(self.columns) and self.columns.index(left) > self.columns.index(right):
                left, right = right, left
            band = self._bands[pair] = Band(at=self._since(record), left=left, right=right)
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
        band.last = self._since(record)
        if record.layer == "rtcp":
            band.reports += 1
            return
        band.payload_types.add(record.data[1] & 0x7F)
        if self._column(record.source) == band.left:
            band.forth += 1
        else:
            band.back += 1

    def _since(self, record: Record) -> float:
        return record.at - (self._start or 0.0)

    def _column(self, address: Address) -> str:
        name = self.names.label(address)
        if name not in self._columns:
            if len(self._columns) >= MAX_COLUMNS:
                name = OTHERS
            self._columns.setdefault(name)
        return name

    def _learn(self, record: Record) -> None:
        """Names for what a capture does not name: the port behind a client connection, the ports of media."""
        if record.layer == "http":
            self._learn_client(record)
            return
        via = _VIA.search(record.data)
        if via and not record.data.startswith(b"SIP/2.0") and self.names.get(record.source) is None:
            sent_by = (via[1].decode("latin-1").strip("[]"), int(via[2]))
            if sent_by != record.source and sent_by[0] == record.source[0]:
                self.names.add(self.names.label(sent_by), record.source)
        body = _SDP_START.search(record.data)
        if body:
            for address in sdp_addresses(record.data[body.start() :]):
                if self.names.get(address) is None:
                    self.names.add(self._column(record.source), address)

    def _learn_client(self, record: Record) -> None:
        """Who posts says so in the document, or is the one element of its host, where there is only one."""
        if record.data.startswith(b"HTTP/") or self.names.get(record.source) is not None:
            return
        stated = [
            (host.decode("ascii", "replace").strip("[]"), int(port)) for host, port in _OWN_ADDRESS.findall(record.data)
        ]
        own = [address for address in stated if address[0] == record.source[0]]
        if own:
            name = next((name for each in own if (name := self.names.get(each))), None)
            spoken = (text_address(each) for each in own if text_address(each) in self._columns)
            name = name or next(spoken, text_address(own[-1]))
            self.names.add(name, record.source, *(each for each in own if self.names.get(each) is None))
            return
        known = self.names.at_host(record.source[0]) | self._speakers.get(record.source[0], set())
        if len(known) == 1:
            self.names.add(known.pop(), record.source)
