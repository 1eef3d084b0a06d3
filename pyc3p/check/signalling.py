"""SIP in a trace, judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import sip
from pyc3p.check.elements import Elements
from pyc3p.check.verdict import Verdict
from pyc3p.trace.trace import Record
from sip.testing import Finding, Force, Passage, check_traffic

#: Seconds within which the same datagram is no second copy, but seen at a second interface of the same machine.
SAME_PACKET: Final = 0.002

_MANDATORY: Final = ("Via", "From", "To", "Call-ID", "CSeq")
#: The name of the protocol as it was sent, in the first line of a request or of a response.
_VERSION: Final = re.compile(rb"(?i:^sip(?=/2\.0 )|(?<= )sip(?=/2\.0[ \t]*\r?\n$))")

Parsed = tuple[Record, sip.Request | sip.Response]


def parsed(records: Iterable[Record]) -> tuple[list[Parsed], list[Verdict]]:
    """The SIP messages of a trace, and verdicts on what nobody can read."""
    messages: list[Parsed] = []
    broken: list[Verdict] = []
    for record in records:
        try:
            messages.append((record, sip.parse_message(record.data)))
        except sip.RemoteProtocolError as error:
            source, force, clause = _broken(record, error)
            finding = Finding(source=source, force=force, clause=clause, seen=str(error), messages=(record.data,))
            broken.append(Verdict(finding=finding, records=(record,), by=""))
            continue
        version = _VERSION.search(record.data[: record.data.find(b"\n") + 1])
        if version is not None and version[0] != b"SIP":
            clause = "the version is sent in upper-case letters"
            seen = f"{version[0].decode()}/2.0"
            finding = Finding(
                source="RFC 3261 section 7.1", force=Force.MUST, clause=clause, seen=seen, messages=(record.data,)
            )
            broken.append(Verdict(finding=finding, records=(record,), by=""))
    return messages, broken


def _broken(record: Record, error: sip.RemoteProtocolError) -> tuple[str, Force, str]:
    """What a message that cannot be read does not follow: source, force and clause."""
    match error:
        case sip.LimitExceeded():
            return "pyc3p, limits", Force.OURS, "a message is no larger than what this reader takes"
        case sip.MalformedHeader(name="start line" | "Request-URI"):
            return "RFC 3261 section 7.1", Force.MUST, "a message begins with a request line or a status line"
        case sip.MalformedHeader(name="Content-Length"):
            return "RFC 3261 section 20.14", Force.MUST, "Content-Length is a number of octets"
        case sip.MalformedHeader(name="header line"):
            return "RFC 3261 section 7.3.1", Force.MUST, "a header field is a name, a colon and a value"
        case sip.RemoteProtocolError(status_hint=505):
            return "RFC 3261 section 7.1", Force.MUST, "the version is SIP/2.0"
    received, (_, _, body) = error.received, record.data.partition(b"\r\n\r\n")
    if isinstance(received, sip.Request | sip.Response):
        missing = [name for name in _MANDATORY if name not in received.headers]
        if missing:
            return "RFC 3261 section 8.1.1", Force.MUST, "every message has To, From, CSeq, Call-ID and Via"
        announced = received.headers.get_all("Content-Length")
        if len(announced) == 1 and announced[0].isdecimal() and int(announced[0]) > len(body):
            return "RFC 3261 section 18.3", Force.MUST, "no more octets are announced in Content-Length than there are"
        if len(announced) > 1:
            return "RFC 3261 section 20.14", Force.MUST, "Content-Length is there once"
    return "RFC 3261 section 7", Force.MUST, "a message is a start line, header fields, an empty line and a body"


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
