"""What of a trace is looked at: a conference, a user, a call, the end of it; and without heartbeats.

A message is looked at with its answer. Who is named in From, To or the Request-URI is looked at for the whole of that
dialog; who is only spoken of in a body, for that exchange. Media belongs to the description that names its addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from pyc3p.trace.exchanges import Exchange, call_id_of, code_of, command_of, head_of, pair, status_of
from pyc3p.trace.summary import sdp_addresses
from pyc3p.trace.trace import Address, Names, Record

#: What elements say to each other over and over, so that each knows that the other is there.
HEARTBEATS: Final = frozenset({"registerMcu", "getMcuHealth", "getConference"})
#: The header lines that say between whom a dialog is, and the start line of a request.
_PARTIES: Final = re.compile(rb"(?im)^(?:(?:from|f|to|t)[ \t]*:|[A-Z]+ sips?:)[^\r\n]*")
_IDENTIFIER: Final = re.compile(r"(?i)opaque=app:conf:[\w-]+:id:([^;?&>\s]+)|[?&;]conf(?:-id|id)?=([^;?&>\s]+)")


@attrs.frozen(kw_only=True)
class Selection:
    """What is looked at; everything where nothing is said."""

    conference: str = ""  #: Conference-URI, or its identifier
    user: str = ""  #: address (``sip:bob@example.com``, ``bob@example.com``) or the part before the @
    call_id: str = ""
    since: float | None = None  #: seconds of the trace; below 0: so many seconds before its end
    heartbeats: bool = False  #: whether heartbeats that were answered as the one before are shown

    def of(self, records: Sequence[Record], names: Names) -> list[Record]:
        """The records that are looked at, in their order."""
        kept: Sequence[Record] = records
        for wanted in self._wanted():
            kept = _chosen(kept, wanted)
        if self.call_id:
            kept = _of_call(kept, self.call_id.encode())
        if self.since is not None and kept:
            begin = records[0].at + self.since if self.since >= 0 else records[-1].at + self.since
            kept = [record for record in kept if record.at >= begin]
        hidden = set() if self.heartbeats else _heartbeats(kept, names)
        return [record for record in kept if id(record) not in hidden]

    def _wanted(self) -> Iterable[re.Pattern[bytes]]:
        if self.conference:
            found = _IDENTIFIER.search(self.conference)
            wanted = (found[1] or found[2]) if found else self.conference
            yield re.compile(rb"(?i)(?<![\w-])" + re.escape(wanted.encode()) + rb"(?![\w-])")
        if self.user:
            user = re.sub(r"(?i)^(?:sips?|tel):", "", self.user).encode()
            host = rb"(?![\w.-]*[\w-])" if b"@" in user else rb"@"
            yield re.compile(rb"(?i)(?<![\w.+-])" + re.escape(user) + host)


def _chosen(records: Sequence[Record], wanted: re.Pattern[bytes]) -> list[Record]:
    """What is about somebody or something."""
    dialogs = {call_id_of(record) for record in records if record.layer == "sip" and _is_party(record, wanted)}
    dialogs.discard(b"")
    spoken_of = [each for each in pair(records) if any(map(_speaks_of(wanted), each.requests + each.answers))]
    exchanges = {id(record) for each in spoken_of for record in each.records}
    return _with_media(records, lambda record: call_id_of(record) in dialogs or id(record) in exchanges)


def _of_call(records: Sequence[Record], call_id: bytes) -> list[Record]:
    return _with_media(records, lambda record: call_id_of(record) == call_id)


def _with_media(records: Sequence[Record], is_chosen: Callable[[Record], bool]) -> list[Record]:
    """The chosen messages, and the media between addresses that their descriptions name."""
    signalling = {id(record) for record in records if record.layer in ("sip", "http") and is_chosen(record)}
    media: set[Address] = set()
    for record in records:
        if id(record) in signalling:
            media.update(sdp_addresses(record.data.partition(b"\r\n\r\n")[2]))
    return [
        record
        for record in records
        if id(record) in signalling
        or (record.layer in ("rtp", "rtcp") and (record.source in media or record.destination in media))
    ]


def _is_party(record: Record, wanted: re.Pattern[bytes]) -> bool:
    return any(wanted.search(line) for line in _PARTIES.findall(head_of(record.data)))


def _speaks_of(wanted: re.Pattern[bytes]) -> Callable[[Record], bool]:
    return lambda record: wanted.search(record.data) is not None


def _heartbeats(records: Sequence[Record], names: Names) -> set[int]:
    """Heartbeats that ended as the one before between the same two did; and line breaks that keep a flow open."""
    hidden = {id(record) for record in records if record.layer == "sip" and not record.data.strip(b"\r\n\0")}
    before: dict[tuple[str, str, str], tuple[int, str]] = {}
    for exchange in pair(records):
        kind, final = _heartbeat(exchange), exchange.final
        if not kind or final is None:
            continue
        request = exchange.requests[0]
        key = (kind, names.label(request.source), names.label(request.destination))
        outcome = (status_of(final), code_of(final))
        if before.get(key) == outcome:
            hidden.update(map(id, exchange.records))
        before[key] = outcome
    return hidden


def _heartbeat(exchange: Exchange) -> str:
    """What kind of heartbeat it is, empty for none."""
    if exchange.method == "OPTIONS":
        return "OPTIONS"
    command = command_of(exchange.requests[0]) if exchange.requests[0].layer == "http" else ""
    return command if command in HEARTBEATS else ""
