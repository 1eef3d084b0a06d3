"""What one case has around it: the target, elements of ours, and what was found out before."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import attrs

from pyc3p.conform.case import Trait, blame, skip
from pyc3p.conform.findings import TARGET
from pyc3p.conform.peer import Peer
from pyc3p.conform.wire import Arrival, Pace, Wire
from sip import DigestClient, Entropy, Request, Response

if TYPE_CHECKING:
    from pyc3p.conform.target import Target

#: Seconds within which a registration of a case ends by itself, should its removal fail.
REGISTERED_FOR: Final = 120


@attrs.define(kw_only=True)
class Facts:
    """What is known of a target before cases run."""

    traits: set[Trait] = attrs.Factory(set)
    lacks: dict[Trait, str] = attrs.Factory(dict)  #: why a trait is not there, in a few words
    allow: tuple[str, ...] = ()  #: methods
    events: tuple[str, ...] = ()  #: event packages
    server: str = ""  #: what it calls itself
    round_trip: float = 0.0  #: seconds, the longest of some


@attrs.frozen(kw_only=True)
class BenchSettings:
    """How cases are run; seconds, unless said otherwise."""

    patience: float = 4.0  #: for a final response
    ring_patience: float = 20.0  #: for the final response to a call
    rate: float = 200.0  #: messages a second
    local: str = "127.0.0.1"  #: our address
    user: str | None = None  #: the user whose password we have
    tls: ssl.SSLContext | None = None
    event: str | None = None  #: an event package to subscribe to


class Bench:
    """The surroundings of one case."""

    def __init__(
        self,
        target: Target,
        facts: Facts,
        settings: BenchSettings,
        *,
        entropy: Entropy,
        pace: Pace,
        digest: DigestClient | None,
    ) -> None:
        self.target, self.facts, self.settings = target, facts, settings
        self.patience, self.ring_patience = settings.patience, settings.ring_patience
        self.tls = settings.tls
        self.wire = Wire(pace, local=settings.local)
        self.arrivals: list[tuple[str, Arrival]] = []  #: all that came, in its order, and to whom of ours
        self.entropy, self._digest = entropy, digest
        self._peers: dict[str, Peer] = {}
        self._checks = 0
        self.registrants: dict[str, Peer] = {}  #: who may have bindings
        self.bound: dict[str, dict[str, None]] = {}  #: Contacts that were to be bound, by who has asked for it

    def token(self) -> str:
        """A word that nobody has used: for tags, branches, Call-IDs."""
        return self.entropy.token(8)

    # Elements of ours

    def peer(self, name: str = "alice") -> Peer:
        """An element of ours by its name; made when first asked for."""
        if name not in self._peers:
            user = self.settings.user or f"conform-{name}"
            self._peers[name] = Peer(self, name, user)
        return self._peers[name]

    @property
    def peers(self) -> tuple[Peer, ...]:
        """All of ours."""
        return tuple(self._peers.values())

    def registered(self, name: str = "bob", *, headers: Iterable[tuple[str, object]] = ()) -> Peer:
        """An element of ours that is registered; ends the case where that is not taken."""
        peer = self.peer(name)
        exchange = peer.ask(self.registration(peer, headers=headers))
        if exchange.status != 200:
            skip(f"the registration is not taken: {exchange.told}")
        self.registrants[name] = peer
        return peer

    def registration(
        self,
        peer: Peer,
        *,
        contacts: Iterable[str] | None = None,
        expires: int | None = REGISTERED_FOR,
        **given: object,
    ) -> Request:
        """A REGISTER for a peer, of its own Contact unless others are given. ``given`` is as for `Peer.request`."""
        headers: list[tuple[str, object]] = list(given.pop("headers", ()))  # type: ignore[call-overload]
        lines = [f"<{peer.contact_uri}>"] if contacts is None else list(contacts)
        headers += [("Contact", line) for line in lines]
        self.bound.setdefault(peer.name, {}).update(dict.fromkeys(line for line in lines if line != "*"))
        if expires is not None:
            headers.append(("Expires", str(expires)))
        self.registrants.setdefault(peer.name, peer)
        to = given.pop("to", peer.aor)
        return peer.request("REGISTER", self.target.registrar, to=to, contact=False, headers=headers, **given)  # type: ignore[arg-type]

    def offer(self, peer: Peer | str) -> bytes:
        """A session description of ours, or of our host: G.711, at a port where nobody listens."""
        host = peer if isinstance(peer, str) else peer.address.host
        kind = "IP6" if ":" in host else "IP4"
        number = self.entropy.integer(30)
        lines = (
            "v=0",
            f"o=- {number} 1 IN {kind} {host}",
            "s=-",
            f"c=IN {kind} {host}",
            "t=0 0",
            "m=audio 49170 RTP/AVP 0 8",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=sendrecv",
            "",
        )
        return "\r\n".join(lines).encode()

    def credentials_for(self, response: Response, request: Request) -> tuple[tuple[str, str], ...]:
        """Header lines that answer a challenge; none without a password."""
        return () if self._digest is None else self._digest.answer(response, request)

    @property
    def has_password(self) -> bool:
        """Whether challenges can be answered."""
        return self._digest is not None

    # Time and what comes

    def wait(self, until: float) -> None:
        """Let messages come until then (monotonic seconds), or until the first one."""
        self.wire.wait(until)

    def quiet(self, seconds: float) -> None:
        """Let time pass, and take in what comes."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.wire.wait(until)

    def arrived(self, name: str, arrival: Arrival) -> None:
        """Note what came to one of ours."""
        self.arrivals.append((name, arrival))

    def arrivals_of(self, name: str) -> list[Arrival]:
        """All that came to one of ours."""
        return [arrival for whose, arrival in self.arrivals if whose == name]

    def check_alive(self) -> None:
        """Blames the target when it answers nothing any more: OPTIONS, or a call where it knows no OPTIONS."""
        self._checks += 1
        peer = self.peer(f"check-{self._checks}")  # with a connection of its own: another may have been spoilt
        if Trait.ELEMENT not in self.facts.lacks:
            peer.ask(peer.request("OPTIONS"), credentials=False)
        else:
            peer.ask(peer.request("INVITE", body=self.offer(peer)), within=self.ring_patience)

    def names(self) -> dict[tuple[str, int], str]:
        """Who speaks at which address."""
        remote = self.target.remote
        names = {(remote.host, remote.port): TARGET}
        for peer in self.peers:
            for address in peer.addresses():
                names[address.host, address.port] = peer.name
        return names

    blame = staticmethod(blame)
    skip = staticmethod(skip)
