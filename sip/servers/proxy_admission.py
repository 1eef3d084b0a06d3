"""What a proxy lets through: validation, loops, and who may leave our domains (RFC 3261 section 16.3, RFC 5393)."""

from __future__ import annotations

import enum
import hmac
from collections.abc import Callable, Sequence

import attrs

from sip.authentication.asserted import with_identity, without_claims, without_preference
from sip.authentication.authenticator import Authenticator
from sip.authentication.digest_server import CredentialStore, DigestConfig, DigestServer, Outcome
from sip.authentication.identification import Challenged, Identification, Identified, Pending, Proof, Refused
from sip.authentication.origin import Origins
from sip.authentication.trusted_peers import TrustedPeers
from sip.core.forwarding import next_hop_of
from sip.core.routing import KNOWN_METHODS, TAKES_AS_IT_IS
from sip.endpoint.endpoint import Endpoint
from sip.entropy import Entropy
from sip.events import Event
from sip.field_types import checks_types
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.servers.location import PartTarget, Target
from sip.servers.places import Places
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import is_numeric, reached_host
from sip.wanted import must_be_names


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ProxyConfig:
    """Whom a proxy serves, and how."""

    owner: str = "proxy"
    domains: tuple[str, ...] = attrs.field(
        default=(), validator=must_be_names
    )  #: served, beside the addresses we listen on
    trusted: tuple[str, ...] = ("127.0.0.0/8", "::1/128")  #: networks whose requests may leave our domains, and
    #: whose P-Asserted-Identity is believed
    trusted_peers: tuple[str, ...] = ()  #: domains proved by TLS (RFC 5922) that are trusted in the same way
    #: Where the other parts of the system are (Focus, MCU): ``host:port``, hosts, networks. Everybody may have requests
    #: passed on to them, as to our users, and what comes from their addresses is trusted; with an `Authenticator` they
    #: have to prove themselves, or be of its trusted networks.
    parts: tuple[str, ...] = ()
    #: Where users of ours may have requests sent, beside our domains: hosts, ``host:port``, networks, ``.domain`` with
    #: all below it, ``*`` for anywhere. Nowhere, because whoever relays for others is answerable for it.
    relay_to: tuple[str, ...] = ()
    #: What all processes that stand in for each other, and those that come after them, share: requests of dialogs that
    #: one of them let pass are known to all. Empty: known to this process alone.
    secret: str = attrs.field(default="", repr=False)
    open_relay: bool = False  #: take anybody's request anywhere: for tests only
    sequential: bool = False  #: try contacts one preference after the other in place of all at once
    record_route: bool = True  #: stay on the way of dialogs; clients behind connections are not reached otherwise
    #: Leave the way of a dialog where a proxy before us stays on it: what follows is then for whichever of several
    #: alike it reaches, and not for this one, which may be gone.
    steps_aside: bool = False
    #: What belongs to a dialog goes to its two ends alone, whoever sends it, and an ACK and a BYE do so, too; what
    #: begins something goes where ``location`` says, or nowhere: of who stands in front of one server, whose Contact is
    #: where it was called. Who is trusted is believed about identities, and has nothing relayed.
    ends_only: bool = False
    #: Whether no user of the domains can have a user part. Then it is 404, and not 480: nobody there at the moment
    is_nobody: Callable[[str], bool] = lambda user: False
    add_path: bool = False  #: put ourselves into REGISTER that goes through us (RFC 3327)
    realm: str | None = None  #: of the challenges when there are credentials; None is the first domain
    options: tuple[str, ...] = ("ms-benotify",)  #: option tags that Proxy-Require may name
    #: INVITEs of one user that wait for an answer, with an `Authenticator`: a PBX has that many phones ring. Beyond it
    #: 503 with Retry-After. What trusted peers send is theirs, whoever they name, and has no such limit.
    max_invites_per_user: int = 50
    #: and as many at once; nobody dials as fast, and calls that go on grow no faster
    invites_a_minute_per_user: float = 120.0
    #: Status for a target that did not answer in time: 408, or 504 of who speaks for a server behind (RFC 3261 21.5.5)
    timeout_status: int = 408
    timer_c: float = 181.0  #: seconds an INVITE may ring without news; more than 3 minutes (section 16.6 step 11)
    max_breadth: int = 60  #: branches of one request, all proxies together (RFC 5393 section 5.3.1)
    max_targets: int = 20  #: contacts tried for one request
    max_forks: int = 16  #: 2xx with other To tags passed back from one branch of an INVITE; more is a forking storm
    max_flows: int = 20_000  #: flows that tokens in Record-Route can name

    def failure_status(self, reason: str, *, had_flow: bool) -> int:
        """What a target is answered with that gave no answer, by the reason of `sip.RequestFailed`."""
        known = {"timeout": self.timeout_status, "unusable": 502, "withheld": 430}
        return known.get(reason, 430 if had_flow else 503)

    def capabilities(self) -> list[tuple[str, str]]:
        """What OPTIONS about the proxy itself is told (RFC 3261 section 11.2): it passes on every method and body."""
        lines = (("Allow", ", ".join(sorted(KNOWN_METHODS))), ("Accept", "*/*"), ("Supported", ", ".join(self.options)))
        return [*lines, *TAKES_AS_IT_IS]


def keys_of(config: ProxyConfig, entropy: Entropy) -> tuple[bytes, bytes]:
    """What tokens and branches of a proxy are signed with, and what tells this process from others with that key."""
    epoch = bytes.fromhex(entropy.child("epoch").token(4))
    if not config.secret:
        return bytes.fromhex(entropy.child("key").token(32)), epoch
    return hmac.digest(config.secret.encode(), f"sip proxy {config.owner}".encode(), "sha256"), epoch


class Standing(enum.Enum):
    """What the sender of a request is to a proxy."""

    STRANGER = "nobody, or somebody of elsewhere"  #: reaches our users and parts
    USER = "a user of ours"  #: reaches where a setting says, too
    TRUSTED = "trusted"  #: reaches everything


@attrs.frozen(kw_only=True)
class DomainNotServed(Event):
    """A request for a domain of others that did not leave: whoever sent it may not have that done, or has mistaken the
    domain of this server."""

    domain: str
    method: str
    sender: str  #: From, as it was claimed
    source: str  #: address that it came from


class Answered(Exception):
    """A request that the proxy answers itself."""

    def __init__(
        self,
        status: int,
        headers: Sequence[tuple[str, object]] = (),
        reason: str | None = None,
        events: Sequence[Event] = (),
    ) -> None:
        super().__init__(status)
        self.status, self.headers, self.reason, self.events = status, tuple(headers), reason, tuple(events)

    @classmethod
    def not_served(cls, status: int, request: Request, *, owner: str) -> Answered:
        """The answer to a request for a domain of others, whose host name was checked."""
        via, domain = request.via[0], reached_host(next_hop_of(request))
        event = DomainNotServed(
            owner=owner,
            domain=domain,
            method=request.method,
            sender=str(request.from_.uri.without_password()),
            source=via.params.get("received") or via.host,
        )
        return cls(status, reason=f"This server does not serve {domain}", events=[event])

    @classmethod
    def by(cls, refused: Refused) -> Answered:
        """An answer that others have decided on."""
        return cls(refused.status, refused.headers, refused.text)


class SenderPending(Exception):
    """A request of whose sender the application knows later."""

    def __init__(self, pending: Pending) -> None:
        super().__init__(pending.id)
        self.pending = pending


class Admission:
    """Decides about requests before they are forwarded."""

    def __init__(
        self,
        config: ProxyConfig,
        *,
        key: bytes,
        entropy: Entropy,
        endpoint: Endpoint,
        may_relay: Callable[[Request, Flow], bool] | None,
        registered: Callable[[Flow], bool] | None,
        credentials: CredentialStore | None,
        authenticator: Authenticator | None,
    ) -> None:
        self._config, self._key, self._may_relay, self._registered = config, key, may_relay, registered
        self._identities = authenticator
        self._parts, self._relay_to = Places(config.parts), Places(config.relay_to)
        self._trusted = TrustedPeers(config.trusted, config.trusted_peers)
        self._origins = Origins(endpoint.config.trusted_networks)
        self._authenticator: DigestServer | None = None
        if credentials is not None:
            realm = config.realm or next(iter(config.domains), "proxy")
            digest = DigestConfig(realm=realm, proxy=True)
            self._authenticator = DigestServer(
                digest, credentials, key=key, entropy=entropy, wall_clock=endpoint.wall_clock
            )

    @property
    def realm(self) -> str | None:
        """Whose passwords are asked for here; None when nobody's are."""
        if self._identities is not None:
            return self._identities.realm
        return None if self._authenticator is None else self._authenticator.config.realm

    def validate(self, request: Request) -> str:
        """The checks of section 16.3 that need no routing; raises Answered. Returns the `fingerprint`."""
        if request.max_forwards == 0:
            raise Answered(483)
        fingerprint = self.fingerprint(request)
        if any(_fingerprint_of(via.branch) == fingerprint for via in request.via):
            raise Answered(482)
        unknown = [option for option in request.proxy_require if option not in self._config.options]
        if unknown and request.method not in ("ACK", "CANCEL"):
            raise Answered(420, [("Unsupported", ", ".join(unknown))])
        return fingerprint

    def fingerprint(self, request: Request) -> str:
        """Names everything that decides where a request goes: it comes back unchanged only in a loop.

        It stands in our Via branch (RFC 5393 section 4.2.1), keyed, so that nobody else can put one there.
        """
        parts = (
            str(request.uri),
            *request.headers.get_all("Route"),
            request.call_id,
            request.from_.tag or "",
            request.to.tag or "",
            str(request.cseq.number),
        )
        return hmac.digest(self._key, "\n".join(parts).encode("utf-8", "surrogateescape"), "sha256")[:8].hex()

    def breadth(self, request: Request) -> int:
        """How many branches the request may still have (RFC 5393 section 5.3.3); raises Answered without any."""
        given = request.header("Max-Breadth")
        breadth = min(given, self._config.max_breadth) if isinstance(given, int) else self._config.max_breadth
        if breadth < 1:
            raise Answered(440)
        return breadth

    def let_out(self, request: Request, flow: Flow, standing: Standing, *, now: float) -> Request:
        """Let a request leave our domains; raises Answered.

        Users of ours (``ours``: it was proved) may have it sent to where `ProxyConfig.relay_to` says; those who are
        trusted, anywhere.
        """
        if self._config.ends_only:
            raise self._not_served(request)
        if standing is Standing.TRUSTED or (self._may_relay is not None and self._may_relay(request, flow)):
            return request
        if self._identities is not None:
            if standing is Standing.USER and self._leads_to_a_place(request):
                return request
            raise self._not_served(request)
        if self._authenticator is None:
            if self._registered is None or not self._registered(flow) or not self._leads_to_a_place(request):
                raise self._not_served(request)
            return request
        verdict = self._authenticator.verify(request, now=now, source=self._origins.forgeable(request, flow))
        if verdict.outcome is Outcome.MALFORMED:
            raise Answered(400)
        if verdict.outcome is not Outcome.ACCEPTED:
            stale = verdict.outcome is Outcome.STALE
            source = self._origins.of(request, flow)
            raise Answered(407, self._authenticator.challenges(now=now, stale=stale, source=source))
        if not self._leads_to_a_place(request):
            raise self._not_served(request)
        return request

    def _not_served(self, request: Request) -> Answered:
        return Answered.not_served(403, request, owner=self._config.owner)

    def admitted(
        self, request: Request, flow: Flow, known: Identification | None, *, now: float
    ) -> tuple[Request, Standing, str | None]:
        """A request, with the identity that its sender proved, and what he is to us; raises Answered, SenderPending.

        The third is what his calls are counted under; None for trusted peers, who speak for many, and if nobody asks.
        ``known`` is the answer that came later. An ACK is not asked for anything, and is a stranger's.
        """
        if self._identities is None or request.method == "ACK" or self.is_trusted(flow):
            return self.believed(request, flow), self.standing(flow), None
        found = known or self._identities.identify(request, flow, now=now, proxy=True)
        match found:
            case Pending():
                raise SenderPending(found)
            case Challenged():
                raise Answered(found.status, found.headers)
            case Refused():
                raise Answered.by(found)
            case Identified(proof=Proof.TRUSTED_PEER):
                return with_identity(request, found, believed=True), Standing.TRUSTED, None
            case Identified():
                theirs = Standing.USER if self._identities.is_ours(found, flow) else Standing.STRANGER
                onward = with_identity(request, found, believed=False)
                return onward, theirs, self._identities.account_of(found, flow)

    def standing(self, flow: Flow) -> Standing:
        """What whoever sends by a flow is to us, if he is not asked."""
        return Standing.TRUSTED if self.is_trusted(flow) else Standing.STRANGER

    def believed(self, request: Request, flow: Flow) -> Request:
        """The request without an identity that nobody we trust has asserted (RFC 3325 section 5).

        Where senders are identified it is without the identity that they would prefer, too: that was said to us.
        """
        onward = request if self.is_trusted(flow) else without_claims(request)
        return onward if self._identities is None else without_preference(onward)

    def trusts(self, target: Target, request: Request, hop: Uri | None = None) -> bool:
        """Whether a target may know who hides, and is believed about who answers (RFC 3325 section 5, RFC 5876).

        ``hop`` is where it is reached in place of what its URI and Route say. A name has to be proved, by TLS.
        """
        hop = hop or next((each.uri for each in (*target.route, *request.route)), target.uri)
        if self._config.open_relay or self.is_part(hop) or isinstance(target, PartTarget):
            return True
        if target.flow is not None:
            return self.is_trusted(target.flow)
        secure = "sips" in (hop.scheme, target.uri.scheme) or hop.transport == "tls"
        trusts_host = self._trusted.include_host if self._identities is None else self._identities.trusts_host
        return trusts_host(reached_host(hop), will_prove_it=secure)

    def _leads_to_a_place(self, request: Request) -> bool:
        return self._relay_to.include(next_hop_of(request))

    def is_part(self, uri: Uri) -> bool:
        """Whether a URI is an address of another part of the system."""
        return self._parts.include(uri)

    def is_trusted(self, flow: Flow) -> bool:
        """Whether what comes by a flow may go anywhere, and is believed about who sent it."""
        if self._config.open_relay:
            return True
        if self._identities is not None:  # parts prove what they are, or are of its trusted networks
            return self._identities.trusts(flow)
        return self._parts.include_source(flow) or flow in self._trusted


def caller_flow(request: Request, flow: Flow) -> Flow | None:
    """The flow on which the sender of a request has to be reached later, None when its Contact will do.

    A connection is used: its other end may be a client that never listens. Over UDP it is the source address when
    Contact has another one, that is when a NAT is between. What came by a proxy that does not stay on the way goes
    back by Contact.
    """
    direct = len(request.via) == 1
    if flow.reliable:
        return flow if direct or request.record_route else None
    contact = next((each for each in request.contact if isinstance(each, NameAddr)), None)
    if contact is None or not direct or not is_numeric(reached_host(contact.uri)):
        return None
    return None if reached_host(contact.uri) == canonical_host(flow.remote.host) else flow


def _fingerprint_of(branch: str | None) -> str:
    return (branch or "").removeprefix("z9hG4bK").partition("-")[0]
