"""Where to send a request: RFC 3263 as a pure function of DNS records.

`locate` is called with the answers that are known so far. Either it says which questions are still open, or it gives
the destinations in the order in which they are to be tried: fail-over is data. Nothing here asks the network; `sip.aio`
does.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from sip.flow import DEFAULT_PORTS, Destination
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host

#: NAPTR services that this package speaks, with the transport of each (RFC 3263 section 4.1).
NAPTR_SERVICES: Final[Mapping[str, str]] = {"sips+d2t": "TLS", "sip+d2t": "TCP", "sip+d2u": "UDP"}

#: Where the SRV records of a transport live (RFC 3263 section 4.1).
SRV_PREFIXES: Final[Mapping[str, str]] = {"TLS": "_sips._tcp.", "TCP": "_sip._tcp.", "UDP": "_sip._udp."}


class RecordType(enum.Enum):
    """The DNS record types of RFC 3263."""

    NAPTR = "NAPTR"
    SRV = "SRV"
    A = "A"
    AAAA = "AAAA"


@attrs.frozen
class Question:
    """One DNS question."""

    name: str  #: lower case, without the final dot
    type: RecordType


@attrs.frozen(kw_only=True)
class Naptr:
    """One NAPTR record (RFC 3403 section 4.1)."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@attrs.frozen(kw_only=True)
class Srv:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


#: Answers: NAPTR and SRV records as above, addresses as text. No such name or type: an empty tuple.
Records = Mapping[Question, tuple[Naptr | Srv | str, ...]]


@attrs.frozen(kw_only=True)
class Target:
    """What RFC 3263 calls TARGET, with what the URI says of port and transport."""

    host: str
    port: int | None = None
    transport: str | None = None  #: "UDP", "TCP", "TLS" or None when the URI leaves it open
    secure: bool = False  #: a sips URI: TLS and nothing else

    @classmethod
    def of(cls, uri: Uri) -> Target:
        """The target of a sip or sips URI: maddr before host (RFC 3263 section 4)."""
        secure = uri.scheme == "sips"
        transport = uri.transport.upper() if uri.transport else None
        if secure and transport == "TCP":
            transport = "TLS"  # sips over transport=tcp is TLS over TCP (RFC 3261 section 26.2.2)
        return cls(host=reached_host(uri), port=uri.port, transport=transport, secure=secure)


@attrs.frozen(kw_only=True)
class Located:
    """What is known so far: questions to ask first, or destinations in order."""

    questions: tuple[Question, ...] = ()
    destinations: tuple[Destination, ...] = ()


@attrs.frozen
class _Hop:
    transport: str
    name: str
    port: int


@attrs.define
class _Answers:
    """The records, and the questions that were asked of them in vain."""

    records: Records
    open: dict[Question, None] = attrs.field(factory=dict)  # a dict, because it keeps the order

    def ask(self, name: str, type_: RecordType) -> tuple[Naptr | Srv | str, ...] | None:
        question = Question(name.rstrip(".").lower(), type_)
        answer = self.records.get(question)
        if answer is None:
            self.open[question] = None
        return answer


def reached_host(uri: Uri) -> str:
    """The host that requests for a sip or sips URI go to: ``maddr`` before host (RFC 3263 section 4).

    Whoever decides where something may go, or whose an address is, asks this, and not for ``Uri.host``.
    """
    maddr = uri.param("maddr")
    return canonical_host(maddr) if maddr else uri.host


def is_numeric(host: str) -> bool:
    """Whether `host` is an IP address, brackets allowed."""
    try:
        ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def locate(
    target: Target,
    records: Records,
    *,
    uniform: Callable[[], float],
    transports: Sequence[str] = ("UDP", "TCP", "TLS"),
    families: Sequence[RecordType] = (RecordType.A, RecordType.AAAA),
) -> Located:
    """Resolve `target` as far as `records` allow (RFC 3263 section 4).

    `uniform` gives numbers in [0, 1) for the weighted choice among SRV records of one priority. `transports` are those
    that the caller can use, `families` the address types in the order of preference.
    """
    answers = _Answers(records)
    usable = [t for t in transports if t == "TLS" or not target.secure]
    hops = _hops(target, answers, usable, uniform)
    # The certificate must prove the domain of the URI, not the host that DNS says serves it (RFC 5922 section 7.3).
    name = None if is_numeric(target.host) else target.host
    destinations = [d for hop in hops for d in _addresses(hop, name, answers, families)]
    if answers.open:
        return Located(questions=tuple(answers.open))
    return Located(destinations=tuple(dict.fromkeys(destinations)))


def _hops(target: Target, answers: _Answers, usable: Sequence[str], uniform: Callable[[], float]) -> list[_Hop]:
    """Transport, name and port of each server, best first (sections 4.1 and 4.2 up to the addresses)."""
    default = "TLS" if target.secure else "UDP"
    if target.transport is not None or is_numeric(target.host) or target.port is not None:
        transport = target.transport or default
        if transport not in usable:
            return []
        if is_numeric(target.host) or target.port is not None:
            return [_Hop(transport, target.host, target.port or DEFAULT_PORTS[transport])]
        return _srv_hops(target.host, [transport], answers, uniform) or [_plain(transport, target.host)]
    naptr = answers.ask(target.host, RecordType.NAPTR)
    if naptr is None:
        return []
    chosen = _naptr_choices(naptr, usable)
    if chosen:
        return [h for t, name in chosen for h in _srv_records(t, name, answers, uniform)] or _last_resort(
            default, target, usable
        )
    return _srv_hops(target.host, usable, answers, uniform) or _last_resort(default, target, usable)


def _last_resort(default: str, target: Target, usable: Sequence[str]) -> list[_Hop]:
    """No NAPTR and no SRV: the address of the name itself, over the default transport (section 4.2)."""
    return [_plain(default, target.host)] if default in usable else []


def _plain(transport: str, name: str) -> _Hop:
    return _Hop(transport, name, DEFAULT_PORTS[transport])


def _naptr_choices(records: Iterable[Naptr | Srv | str], usable: Sequence[str]) -> list[tuple[str, str]]:
    """Transport and SRV name of each NAPTR record that can be used, best first (section 4.1)."""
    naptr = [r for r in records if isinstance(r, Naptr) and r.flags.lower() == "s"]
    naptr.sort(key=lambda r: (r.order, r.preference))
    pairs = [(NAPTR_SERVICES.get(r.service.lower(), ""), r.replacement) for r in naptr]
    return [pair for pair in pairs if pair[0] in usable]


def _srv_hops(name: str, transports: Sequence[str], answers: _Answers, uniform: Callable[[], float]) -> list[_Hop]:
    return [hop for t in transports for hop in _srv_records(t, SRV_PREFIXES[t] + name, answers, uniform)]


def _srv_records(transport: str, name: str, answers: _Answers, uniform: Callable[[], float]) -> list[_Hop]:
    records = [r for r in answers.ask(name, RecordType.SRV) or () if isinstance(r, Srv)]
    if any(r.target in ("", ".") for r in records):
        return []  # "." says that the service is decidedly not available (RFC 2782).
    return [_Hop(transport, r.target.rstrip("."), r.port) for r in srv_order(records, uniform)]


def srv_order(records: Iterable[Srv], uniform: Callable[[], float]) -> list[Srv]:
    """The order in which SRV records are tried: by priority, then by weighted chance (RFC 2782)."""
    ordered: list[Srv] = []
    remaining = sorted(records, key=lambda r: (r.priority, r.weight))
    while remaining:
        group = [r for r in remaining if r.priority == remaining[0].priority]
        chosen = _weighted(group, uniform())
        ordered.append(chosen)
        remaining.remove(chosen)
    return ordered


def _weighted(group: Sequence[Srv], chance: float) -> Srv:
    """One of the group; those of weight 0 come first in it, so that they have a very small chance (RFC 2782)."""
    mark = chance * sum(r.weight for r in group)
    running = 0
    for record in group:
        running += record.weight
        if running > mark:
            return record
    return group[0]


def _addresses(hop: _Hop, name: str | None, answers: _Answers, families: Sequence[RecordType]) -> list[Destination]:
    server_name = name if hop.transport == "TLS" else None
    if is_numeric(hop.name):
        return [Destination(hop.transport, hop.name.strip("[]"), hop.port, server_name)]
    found = [a for family in families for a in answers.ask(hop.name, family) or () if isinstance(a, str)]
    return [Destination(hop.transport, address, hop.port, server_name) for address in found]
