"""Where a stage of a trace took long, or failed: what somebody who reads a ladder would look for.

Only what the records show is said: a request without answer at the end of a trace may have been answered later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from pyc3p.roster import short_uri
from pyc3p.trace.exchanges import Exchange, code_of, command_of, head_of, pair, status_of
from pyc3p.trace.trace import Record

#: Seconds for an answer of a machine. T1 is half a second (RFC 3261 section 17.1.1.1): what takes longer is sent twice.
SLOW: Final = 0.5
#: Seconds until a phone says that it rings; a phone that is asleep is woken within a few.
SLOW_TO_RING: Final = 3.0
#: Seconds after the last copy of a request, after which no answer means that there is none.
UNANSWERED: Final = 2.0

#: Requests that nobody answers.
UNANSWERABLE: Final = frozenset({"ACK", "BENOTIFY"})

_TO: Final = re.compile(rb"(?im)^(?:to|t)[ \t]*:[^<\r\n]*<?(sips?:[^>;\s]+)")
_REASON: Final = re.compile(rb"<(?:[\w.-]{1,40}:)?response\s[^<>]{0,2000}?\breason\s*=\s*[\"']([\w ]+)")
_DIAGNOSTICS: Final = re.compile(rb"(?im)^ms-diagnostics(?:-public)?[ \t]*:[^\r\n]*?reason=\"([^\"\r\n]{1,120})\"")


@attrs.frozen(kw_only=True)
class Note:
    """What stands between two lines of a ladder."""

    at: float  #: the clock of the records
    text: str
    failed: bool = False  #: else it took long


def notes_on(records: Sequence[Record]) -> list[Note]:
    """Notes in order of time. Records are in order of time, too."""
    end = records[-1].at if records else 0.0
    found = [note for exchange in pair(records) for note in _of_exchange(exchange, end)]
    return sorted([*found, *_results(records)], key=lambda note: note.at)


def _of_exchange(exchange: Exchange, end: float) -> Iterator[Note]:
    if exchange.method in UNANSWERABLE:
        return
    final, last = exchange.final, exchange.requests[-1].at
    copies = len(exchange.requests)
    sent = f", sent {copies} times" if copies > 1 else ""
    what = _words(exchange)
    if not exchange.answers:
        if end - last >= UNANSWERED:
            yield Note(at=last, text=f"{what} is not answered{sent}", failed=True)
        return
    if exchange.method == "INVITE":
        yield from _of_ringing(exchange, what, sent)
    elif final is not None and final.at - exchange.began > SLOW:
        yield Note(at=final.at, text=f"{what} is answered after {final.at - exchange.began:.1f} s{sent}")
    if final is not None and (why := _failure(final)):
        yield Note(at=final.at, text=f"{what} failed: {why}", failed=True)


def _of_ringing(exchange: Exchange, what: str, sent: str) -> Iterator[Note]:
    first = exchange.answers[0]
    if first.at - exchange.began > SLOW:
        yield Note(at=first.at, text=f"the first answer to {what} came after {first.at - exchange.began:.1f} s{sent}")
    ringing = next((each for each in exchange.answers if status_of(each) in (180, 183)), None)
    if ringing is not None and ringing.at - exchange.began > SLOW_TO_RING:
        yield Note(at=ringing.at, text=f"{what}: {ringing.at - exchange.began:.1f} s until it rang")


def _words(exchange: Exchange) -> str:
    request = exchange.requests[0]
    command = command_of(request)
    if command:
        return f"{exchange.method} {command}"
    found = _TO.search(head_of(request.data)) if request.layer == "sip" else None
    if exchange.method == "INVITE" and found is not None:
        return f"INVITE to {short_uri(found[1].decode('utf-8', 'replace'))}"
    return exchange.method


def _failure(final: Record) -> str:
    """Why it failed, empty when it did not. Who is asked for a password has not failed yet."""
    status, head = status_of(final), head_of(final.data)
    if status >= 400 and status not in (401, 407):
        line = head.partition(b"\r\n")[0].split(b" ", 1)[-1].decode("utf-8", "replace").strip()
        told = _DIAGNOSTICS.search(head)
        return f"{line} ({told[1].decode('utf-8', 'replace')})" if told else line
    if status and code_of(final) == "failure":
        reason = _REASON.search(final.data)
        return reason[1].decode("utf-8", "replace") if reason else "failure"
    return ""


def _results(records: Iterable[Record]) -> list[Note]:
    """Commands that failed after they had been taken: their result comes as a request of its own."""
    return [
        Note(at=record.at, text=f"{command_of(record) or 'a command'} failed: {_reason(record)}", failed=True)
        for record in records
        if record.layer in ("sip", "http") and not status_of(record) and code_of(record) == "failure"
    ]


def _reason(record: Record) -> str:
    reason = _REASON.search(record.data)
    return reason[1].decode("utf-8", "replace") if reason else "failure"
