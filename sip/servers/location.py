"""Where users can be reached: bindings of addresses-of-record to contacts (RFC 3261 section 10)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Protocol

import attrs

from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import reached_host


class Target(Protocol):
    """Where a proxy may send a request: one element of a target set (RFC 3261 section 16.5)."""

    @property
    def uri(self) -> Uri:
        """The new Request-URI."""
        ...

    @property
    def route(self) -> tuple[NameAddr, ...]:
        """Proxies on the way to it (Path, RFC 3327)."""
        ...

    @property
    def flow(self) -> Flow | None:
        """The flow to use, None to find one by the URI."""
        ...

    @property
    def q(self) -> float:
        """Preference, 0.0 to 1.0; higher first."""
        ...


@attrs.frozen
class PartTarget:
    """A server of the same system as a target: by it, it learns what only trusted peers are told (RFC 3325)."""

    uri: Uri
    route: tuple[NameAddr, ...] = ()  #: by way of which it is reached
    flow: Flow | None = None
    q: float = 1.0


@attrs.frozen(kw_only=True)
class Binding:
    """One contact of one address-of-record. It can be used as the target of a proxy."""

    aor: str  #: key of the address-of-record
    contact: NameAddr  #: as registered, without the parameters that a registrar gives
    expires_at: float  #: monotonic seconds
    call_id: str
    cseq: int
    q: float = 1.0
    route: tuple[NameAddr, ...] = ()  #: the Path of the registration
    source: str = ""  #: where it counts in limits by source; empty for nobody
    received: Flow | None = None  #: where the REGISTER came from, None when a proxy stood between
    instance: str | None = None  #: +sip.instance without its angle brackets
    reg_id: str | None = None  #: which of several flows of that instance (RFC 5626)
    outbound: bool = False  #: whether it is a flow that we said to keep (RFC 5626), and nothing without it
    opaque: str | None = None  #: ``opaque`` of its GRUU
    user_agent: str | None = None

    @property
    def uri(self) -> Uri:
        """The contact's address."""
        return self.contact.uri

    @cached_property
    def flow(self) -> Flow | None:
        """The flow on which the contact is reached, None when its address can be used as it is.

        Clients that registered over a connection rarely listen, and are often behind a NAT: their connection is used
        (RFC 5626 section 5.3 asks for it with `reg-id`; everybody does it without). Over UDP the address in Contact is
        believed when it is that of the sender, because a phone may well listen on another port than it sends from;
        it is not believed when it differs from the source (a NAT is between, RFC 3581) or is a name (phones name
        themselves after hosts that nobody can resolve).
        """
        if self.received is None or self.route:
            return None
        if self.received.reliable or self.reg_id is not None:
            return self.received
        return None if reached_host(self.uri) == canonical_host(self.received.remote.host) else self.received

    @property
    def ends_with_flow(self) -> bool:
        """Whether nobody can be reached by it when the connection that it was made on is closed.

        Connections with outbound are what is registered (RFC 5626 section 7). Another Contact remains when it can be
        dialled, so far as its address is that of the sender; so does what a Path leads to.
        """
        flow = self.received
        if flow is None or self.route or not flow.reliable:
            return False
        return self.outbound or not can_be_dialled(self.uri, flow)

    def names(self, instance: str | None, reg_id: str | None, uri: Uri) -> bool:
        """Whether a new contact replaces this one: same instance and flow (RFC 5626), else the same URI."""
        if instance is not None and self.instance is not None:
            return (instance, reg_id) == (self.instance, self.reg_id)
        return self.uri.equivalent(uri)


def can_be_dialled(uri: Uri, flow: Flow) -> bool:
    """Whether an address is worth a try of its own when the connection by which its owner came is closed.

    Another address than the source is behind a NAT, or a name that only its owner knows.
    """
    return uri.scheme in ("sip", "sips") and reached_host(uri) == canonical_host(flow.remote.host)


class Location:
    """All bindings of a registrar, with the time at which the next one ends."""

    def __init__(self) -> None:
        self._by_aor: dict[str, tuple[Binding, ...]] = {}
        self._by_contact: dict[tuple[object, ...], dict[str, None]] = {}  # to addresses-of-record
        self._ends: list[tuple[float, str]] = []  # a heap; entries of bindings that were renewed are passed over

    def __len__(self) -> int:
        return len(self._by_aor)

    def __iter__(self) -> Iterator[Binding]:
        for bindings in self._by_aor.values():
            yield from bindings

    @property
    def users(self) -> tuple[str, ...]:
        """Keys of the addresses-of-record that have bindings."""
        return tuple(self._by_aor)

    def of(self, aor: str) -> tuple[Binding, ...]:
        """Bindings of an address-of-record, the preferred and then the latest first."""
        return self._by_aor.get(aor, ())

    def replace(self, aor: str, bindings: Iterable[Binding]) -> None:
        """Set all bindings of an address-of-record."""
        ordered = tuple(sorted(bindings, key=lambda each: (-each.q, -each.expires_at)))
        self._index(aor, ordered)
        if not ordered:
            self._by_aor.pop(aor, None)
            return
        self._by_aor[aor] = ordered
        heapq.heappush(self._ends, (min(each.expires_at for each in ordered), aor))
        if len(self._ends) > 2 * len(self._by_aor) + 16:
            self._rebuild()

    def at(self, contact: Uri) -> Binding | None:
        """The binding with a Contact.

        Anybody may register the Contact of somebody else. Then it is that of who came from there, or else of who
        registered it first, however often the other one does.
        """
        first = None
        for aor in self._by_contact.get(_place_of(contact), ()):
            for binding in self.of(aor):
                if binding.uri.equivalent(contact):
                    if binding.received is not None and can_be_dialled(binding.uri, binding.received):
                        return binding
                    first = first or binding
        return first

    def _index(self, aor: str, after: Iterable[Binding]) -> None:
        places = {_place_of(binding.uri): None for binding in after}
        for left in {_place_of(binding.uri) for binding in self.of(aor)} - places.keys():
            holders = self._by_contact[left]
            del holders[aor]
            if not holders:
                del self._by_contact[left]
        for place in places:
            self._by_contact.setdefault(place, {})[aor] = None

    def next_end(self) -> float | None:
        """When the next binding ends, None without bindings."""
        while self._ends and not self._holds(*self._ends[0]):
            heapq.heappop(self._ends)
        return self._ends[0][0] if self._ends else None

    def expire(self, now: float) -> list[Binding]:
        """Remove what has ended and return it."""
        gone: list[Binding] = []
        while (end := self.next_end()) is not None and end <= now:
            aor = self._ends[0][1]
            gone += [each for each in self.of(aor) if each.expires_at <= now]
            self.replace(aor, [each for each in self.of(aor) if each.expires_at > now])
        return gone

    def _holds(self, end: float, aor: str) -> bool:
        return any(each.expires_at == end for each in self.of(aor))

    def _rebuild(self) -> None:
        self._ends = [(min(b.expires_at for b in all_), aor) for aor, all_ in self._by_aor.items()]
        heapq.heapify(self._ends)


def _place_of(uri: Uri) -> tuple[object, ...]:
    """What two URIs that are equivalent have in common (RFC 3261 section 19.1.4)."""
    return (uri.scheme, uri.user, uri.host, uri.port)
