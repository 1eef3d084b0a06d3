"""SIP in a trace, judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import sip
from pyc3p.check.elements import Elements
from pyc3p.check.verdict import Verdict
from pyc3p.trace.trace import Record
from sip.testing import Finding, Force, Passage, check_traffic

#: Seconds within which the same datagram is no second copy, but seen at a second interface of the same machine.
SAME_PACKET: Final = 0.002

Parsed = tuple[Record, sip.Request | sip.Response]


def parsed(records: Iterable[Record]) -> tuple[list[Parsed], list[Verdict]]:
    """The SIP messages of a trace, and verdicts on what nobody can read."""
    messages: list[Parsed] = []
    broken: list[Verdict] = []
    for record in records:
        try:
            messages.append((record, sip.parse_message(record.data)))
        except sip.RemoteProtocolError as error:
            finding = Finding(
                source="RFC 3261 section 7",
                force=Force.MUST,
                clause="a message is a start line, header fields and a body",
                seen=str(error),
                messages=(record.data,),
            )
            broken.append(Verdict(finding=finding, records=(record,), by=""))
    return messages, broken


def once(records: Iterable[Record]) -> Iterator[Record]:
    """Each datagram once, where a capture has it from several interfaces."""
    last: dict[tuple[object, ...], float] = {}
    for record in records:
        if record.transport == "UDP":
            key = (record.source, record.destination, record.data)
            before = last.get(key)
            last[key] = record.at
            if before is not None and record.at - before < SAME_PACKET:
                continue
        yield record


def passages(messages: Sequence[Parsed], elements: Elements) -> tuple[list[Passage], dict[int, Record]]:
    """What judges take, and the record of each message by its ``id``."""
    found = [
        Passage(
            at=record.at,
            sender=elements.of(record.source),
            receiver=elements.of(record.destination),
            message=message,
            transport=record.transport,
        )
        for record, message in messages
    ]
    return found, {id(message): record for record, message in messages}


def judged(passing: Sequence[Passage], records: dict[int, Record]) -> Iterator[Verdict]:
    """What is wrong with the SIP of a trace."""
    for finding in check_traffic(passing):
        shown = tuple(records[id(each)] for each in finding.messages if id(each) in records)
        yield Verdict(finding=finding, records=tuple(sorted(shown, key=lambda each: each.at)), by=str(finding.by or ""))
