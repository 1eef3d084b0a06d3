"""Requests with their answers, found again in the records of a trace: SIP by branch, HTTP by connection."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from pyc3p.trace.trace import Address, Record

_CALL_ID: Final = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$")
_CSEQ: Final = re.compile(rb"(?im)^cseq[ \t]*:[ \t]*(\d{1,10})[ \t]+([\w-]+)")
_BRANCH: Final = re.compile(rb"(?im)^(?:via|v)[ \t]*:[^\r\n,]*?;[ \t]*branch[ \t]*=[ \t]*([^\s;,]+)")
_STATUS: Final = re.compile(rb"(?:SIP/2\.0|HTTP/1\.[01]) (\d{3})")
_COMMAND: Final = re.compile(rb"<(?:[\w.-]{1,40}:)?([a-z][A-Za-z]{5,40})[\s/>]")
_CCCP: Final = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:request|response|notify)\s")
_CODE: Final = re.compile(rb"<(?:[\w.-]{1,40}:)?response\s[^<>]{0,2000}?\bcode\s*=\s*[\"'](\w+)")


def head_of(data: bytes) -> bytes:
    """Start line and header lines of a message."""
    end = data.find(b"\r\n\r\n")
    return data if end < 0 else data[: end + 2]


def call_id_of(record: Record) -> bytes:
    """Call-ID of a SIP message, empty where there is none."""
    found = _CALL_ID.search(head_of(record.data)) if record.layer == "sip" else None
    return b"" if found is None else found[1]


def status_of(record: Record) -> int:
    """Status code of a response, 0 of a request."""
    found = _STATUS.match(record.data)
    return int(found[1]) if found else 0


def command_of(record: Record) -> str:
    """The C3P command that a body is about: ``addUser``, or ``notify``; empty where it has none."""
    _, _, body = record.data.partition(b"\r\n\r\n")
    envelope = _CCCP.search(body)
    if envelope is None:
        return ""
    if b"notify" in envelope[0]:
        return "notify"
    command = _COMMAND.search(body, envelope.end())
    return command[1].decode("ascii") if command else ""


def code_of(record: Record) -> str:
    """``success``, ``pending`` or ``failure`` of a C3P response, empty where there is none."""
    found = _CODE.search(record.data)
    return found[1].decode("ascii", "replace") if found else ""


@attrs.define(eq=False)
class Exchange:
    """One request between two neighbours, and what came back."""

    method: str
    requests: list[Record]  #: the first, and those that were sent again
    answers: list[Record] = attrs.Factory(list)

    @property
    def began(self) -> float:
        """When it was sent first."""
        return self.requests[0].at

    @property
    def final(self) -> Record | None:
        """The first answer that ends it."""
        return next((each for each in self.answers if status_of(each) >= 200), None)

    @property
    def records(self) -> list[Record]:
        """All of it."""
        return [*self.requests, *self.answers]


def pair(records: Iterable[Record]) -> list[Exchange]:
    """The exchanges among records that are in order of time; an answer to nothing is left out."""
    found: list[Exchange] = []
    open_sip: dict[tuple[bytes, bytes], Exchange] = {}
    open_http: dict[tuple[Address, Address], Exchange] = {}
    for record in records:
        if record.layer == "sip":
            _pair_sip(record, open_sip, found)
        elif record.layer == "http":
            _pair_http(record, open_http, found)
    return found


def _pair_sip(record: Record, known: dict[tuple[bytes, bytes], Exchange], found: list[Exchange]) -> None:
    head = head_of(record.data)
    cseq, branch = _CSEQ.search(head), _BRANCH.search(head)
    if cseq is None:
        return
    key = (branch[1] if branch else call_id_of(record) + b" " + cseq[1], cseq[2])  # RFC 3261 section 17.1.3
    exchange = known.get(key)
    if status_of(record):
        if exchange is not None:
            exchange.answers.append(record)
    elif exchange is not None and exchange.requests[0].source == record.source:
        exchange.requests.append(record)
    else:
        known[key] = Exchange(method=cseq[2].decode("latin-1"), requests=[record])
        found.append(known[key])


def _pair_http(record: Record, known: dict[tuple[Address, Address], Exchange], found: list[Exchange]) -> None:
    if status_of(record):
        exchange = known.get((record.destination, record.source))
        if exchange is not None:
            exchange.answers.append(record)
        return
    method = record.data[:20].partition(b" ")[0].decode("latin-1")
    exchange = known[record.source, record.destination] = Exchange(method=method, requests=[record])
    found.append(exchange)
