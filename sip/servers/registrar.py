"""A registrar: the core that answers REGISTER and knows where users are (RFC 3261 section 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import attrs

from sip.authentication.authenticator import Authenticator
from sip.authentication.digest_server import CredentialStore
from sip.authentication.identification import Identification, Pending
from sip.core.routing import Claim
from sip.deadlines import first_due
from sip.endpoint.endpoint import Endpoint
from sip.entropy import Entropy
from sip.errors import RemoteProtocolError
from sip.events import Event, FlowClosed, RequestReceived, ServerTransactionEnded
from sip.flow import Flow
from sip.headers.contact import Star
from sip.headers.date import Date
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.networks import Networks
from sip.pieces import Piece
from sip.servers.binding_piece import BindingPieces
from sip.servers.binding_shares import BindingShares
from sip.servers.bound_flows import BoundFlows
from sip.servers.contacts import Asked, binding_of, is_usable, listed, size_of
from sip.servers.location import Binding, Location
from sip.servers.proxy_route import OwnAddresses
from sip.servers.registrar_config import RegistrarConfig
from sip.servers.registration_rights import RegistrationRefused, Rights, check_order, same_user
from sip.servers.undecided import UNKNOWN_IN_TIME, Undecided, UndecidedRequests
from sip.syntax.uri import Uri, aor_key
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import is_numeric


@attrs.frozen(kw_only=True)
class BindingsChanged(Event):
    """The contacts of a user changed: for the application."""

    aor: str  #: key of the address-of-record
    bindings: tuple[Binding, ...]  #: those that there are now
    cause: str  #: "registered", "removed", "expired" or "flow closed"
    gone: tuple[Binding, ...] = ()  #: those that are no more


class Registrar:
    """Keeps the bindings of a domain.

    Without ``authenticator`` and ``credentials`` it believes everybody: for loopback, tests and networks that are
    trusted as a whole. With an ``authenticator`` everybody registers the address that he is identified as. With
    ``credentials`` it asks for Digest credentials by itself, and ``may_register`` says which user may register which
    address.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: RegistrarConfig | None = None,
        *,
        entropy: Entropy,
        credentials: CredentialStore | None = None,
        may_register: Callable[[str, Uri], bool] = same_user,
        authenticator: Authenticator | None = None,
    ) -> None:
        self.config = config or RegistrarConfig()
        self._endpoint = endpoint
        self._identities = authenticator
        self._rights = Rights(
            self.config,
            may_register,
            credentials,
            endpoint=endpoint,
            entropy=entropy,
            key=self._key,
            serves=self._serves,
        )
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._undecided = UndecidedRequests(self.config.owner, endpoint, self.untaken)
        self._domains = frozenset(canonical_host(domain) for domain in self.config.domains)
        self._own = OwnAddresses(lambda: endpoint.listen, ())
        self._location = Location()
        self._pieces = BindingPieces(self._location, self.config.owner, endpoint.wall_clock)
        self._flows = BoundFlows(limit=self.config.max_users)
        self._networks = Networks(endpoint.config.trusted_networks)
        self._shares = BindingShares(
            bindings=self.config.max_bindings_per_source,
            users=self.config.max_users_per_source,
            trusted=self._networks,
        )
        endpoint.add_core(
            self.config.owner,
            lambda request, flow: self._serves(request.uri) and (request.method == "REGISTER" or _about_us(request)),
            claim=Claim.REGISTRAR,
            methods=("REGISTER",),
            supported=("path", "gruu", "gruu-10", "outbound"),
        )
        endpoint.watch_flows(self.config.owner)

    @property
    def owner(self) -> str:
        """The name under which the endpoint knows this core."""
        return self.config.owner

    # Questions -------------------------------------------------------------------------------------------------------

    def lookup(self, aor: Uri | str) -> tuple[Binding, ...]:
        """The contacts of a user, the preferred first; of one device when ``aor`` is its GRUU. Empty for strangers."""
        uri = Uri.parse(aor) if isinstance(aor, str) else aor
        bindings = self._location.of(self._key(uri))
        if (opaque := uri.opaque) is not None:
            return tuple(each for each in bindings if each.opaque == opaque)
        if (instance := uri.params.get("gr")) is not None:
            return tuple(each for each in bindings if each.instance == instance)
        return bindings

    def knows(self, flow: Flow) -> bool:
        """Whether somebody is registered who sends by this flow."""
        return flow in self._flows

    def flow_after(self, flow: Flow, uri: Uri) -> Flow | None:
        """The open flow on which the device at ``uri`` is registered now that it left another one; None for no such.

        For the requests of dialogs that began on the other one (`Proxy`). Of a flow that another process had only the
        addresses are known: then it is the device that registered the same Contact from the same host.
        """
        after = self._flows.after(flow, uri, self._location.of, self._endpoint.is_open)
        if after is not None or (binding := self.at(uri)) is None or binding.flow is None:
            return after
        same = (binding.flow.transport, binding.flow.remote.host) == (flow.transport, flow.remote.host)
        return binding.flow if same and self._endpoint.is_open(binding.flow) else None

    def at(self, contact: Uri) -> Binding | None:
        """The binding of a Contact; None when nobody registered it."""
        return self._location.at(contact)

    # The core --------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Answer a REGISTER; forget what a closed connection leaves behind."""
        if isinstance(event, RequestReceived) and event.transaction is not None:
            self._register(Undecided.of(event, event.transaction), now)
        elif isinstance(event, FlowClosed):
            for undecided in self._undecided.flow_closed(event.flow):
                self._endpoint.respond(undecided.transaction, 430, now=now)
            self._flow_closed(event.flow)
        elif isinstance(event, ServerTransactionEnded):
            self._undecided.forget(event.transaction)
        return self.take_events()

    def next_timeout(self) -> float | None:
        """When the next binding ends, or a request that waits is given up."""
        return first_due(self._location.next_end(), self._undecided.first)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Drop bindings that have ended; answer who waited for too long."""
        for undecided in self._undecided.expire(now):
            self._endpoint.respond(
                undecided.transaction, UNKNOWN_IN_TIME.status, headers=UNKNOWN_IN_TIME.headers, now=now
            )
        ended = self._location.expire(now)
        self._flows.replace(ended, ())
        for aor in dict.fromkeys(each.aor for each in ended):
            left, before = self._location.of(aor), [each for each in ended if each.aor == aor]
            self._shares.replace((*before, *left), left)
            self._changed(aor, "expired", before)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        taken = self.untaken[:]
        self.untaken.clear()
        return taken

    # State -----------------------------------------------------------------------------------------------------------

    def take_pieces(self) -> list[Piece]:
        """Users whose bindings changed since the last call; all at the first. Bindings on connections are no state."""
        return self._pieces.take()

    def snapshot(self) -> list[Piece]:
        """A piece for each user with a binding that needs no connection."""
        return self._pieces.all()

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        """Know the bindings in ``pieces`` that have not ended; nothing is told of them.

        One over UDP leads to where it came from, by the port that we had then. None lasts longer than
        ``max_expires``: the wall clock may have been set back. Raises LocalProtocolError when a user is here already.
        """
        found, events = self._pieces.read(pieces, now=now, longest=self.config.max_expires)
        for aor, bindings in found.items():
            self._store(aor, bindings)
        return events

    # REGISTER --------------------------------------------------------------------------------------------------------

    def identified(self, pending_id: str, identification: Identification, *, now: float) -> list[Event]:
        """Who sent the request of an `IdentificationPending`; nothing happens when it has given up.

        Raises LocalProtocolError when nothing waits for it, or the answer is that it is to wait again.
        """
        undecided = self._undecided.decided(pending_id, identification)
        if undecided is not None:
            self._register(undecided, now, identification)
        return self.take_events()

    def _register(self, held: Undecided, now: float, identification: Identification | None = None) -> None:
        transaction, request, flow = held.transaction, held.request, held.flow
        if identification is None and self._identities is not None:
            identification = self._identities.identify(request, flow, now=now)
        if isinstance(identification, Pending):
            if self._undecided.hold(identification, held, now=now):
                return
            identification = UNKNOWN_IN_TIME
        try:
            asked = Asked.of(request, flow, from_trusted=self._trusts(flow))
            headers = self._processed(request, asked, now, identification)
        except RegistrationRefused as refused:
            self._endpoint.respond(transaction, refused.status, refused.reason, headers=refused.headers, now=now)
        except RemoteProtocolError as error:
            self._endpoint.respond(transaction, error.status_hint, now=now)
        else:
            self._endpoint.respond(transaction, 200, headers=headers, now=now)

    def _trusts(self, flow: Flow) -> bool:
        """Whether a proxy of ours may be at the other end of a flow."""
        trusted = self._identities is not None and self._identities.trusts(flow)
        return trusted or flow.remote.host in self._networks

    def _processed(
        self, request: Request, asked: Asked, now: float, identification: Identification | None
    ) -> list[tuple[str, object]]:
        """The steps of section 10.3 in their order; the headers of the 200."""
        if request.to.uri.scheme not in ("sip", "sips"):
            raise RegistrationRefused(400)
        self._rights.check(request, asked.flow, identification, now=now)
        if not self._serves(request.to.uri) or request.to.uri.user is None:  # nobody's address (step 5)
            raise RegistrationRefused(404)
        aor = self._key(request.to.uri)
        before = self._location.of(aor)
        after = self._within_limit(self._updated(aor, before, request, asked, now))
        if after and not before and len(self._location) >= self.config.max_users:
            raise RegistrationRefused(503, [("Retry-After", "60")])
        if not self._shares.have_room(before, after):
            raise RegistrationRefused(503, [("Retry-After", "60")])
        if after != before:
            self._store(aor, after)
            self._changed(aor, "registered" if len(after) >= len(before) else "removed", before)
        return self._answer(request, asked, self._location.of(aor), now)

    def _within_limit(self, bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
        """As many as a user may have; those whose connection is closed make room for the others, the oldest first."""
        surplus = len(bindings) - self.config.max_contacts
        if surplus <= 0:
            return bindings
        idle = sorted((each for each in bindings if self._is_idle(each)), key=lambda each: each.expires_at)
        if len(idle) < surplus:
            raise RegistrationRefused(403)
        return tuple(each for each in bindings if each not in idle[:surplus])

    def _is_idle(self, binding: Binding) -> bool:
        return binding.flow is not None and not self._endpoint.is_open(binding.flow)

    def _updated(
        self, aor: str, before: tuple[Binding, ...], request: Request, asked: Asked, now: float
    ) -> tuple[Binding, ...]:
        """The bindings after steps 6 and 7; all or nothing."""
        contacts = request.contact
        if any(isinstance(contact, Star) for contact in contacts):
            if len(contacts) != 1 or request.headers.get("Expires", "").strip() != "0":
                raise RegistrationRefused(400)
            for binding in before:
                check_order(binding, request)
            return ()
        after, useless = list(before), 0
        for contact in contacts:
            assert isinstance(contact, NameAddr)
            useless += not self._update(before, after, aor, contact, request, asked, now)
        if useless == len(contacts) > 0:
            raise RegistrationRefused(403)
        return tuple(after)

    def _update(
        self,
        before: tuple[Binding, ...],
        after: list[Binding],
        aor: str,
        contact: NameAddr,
        request: Request,
        asked: Asked,
        now: float,
    ) -> bool:
        """Add, renew or remove one binding; False for a contact that is passed over, because nobody is reached by it.

        Section 10.2.1 allows contacts of any scheme beside those of SIP, and a registrar may grant less than what was
        asked for: the 200 lists what it granted. A request with nothing else is refused (RFC 5627 section 5.1: 403).
        """
        lifetime = self._lifetime(contact, request)
        made = binding_of(aor, contact, request, asked, now + lifetime)
        if size_of(made) > self.config.max_contact:
            raise RegistrationRefused(513)
        if lifetime and not is_usable(made, request.to.uri, self._own, asked.flow):
            return False
        for index, old in enumerate(after):
            if old.names(made.instance, made.reg_id, made.uri):
                if old in before:  # a contact that comes twice in one request is not older than itself
                    check_order(old, request)
                after[index : index + 1] = [made] if lifetime else []
                return True
        if lifetime:
            after.append(made)
        return True

    def _lifetime(self, contact: NameAddr, request: Request) -> int:
        """Seconds granted to a contact; 0 removes it. What cannot be read counts as the default (section 10.2.1.1)."""
        config = self.config
        wanted = contact.params.get("expires") or request.headers.get("Expires")
        seconds = int(wanted) if wanted and wanted.isdecimal() and len(wanted) <= 10 else config.default_expires
        if 0 < seconds < config.min_expires:
            raise RegistrationRefused(423, [("Min-Expires", str(config.min_expires))])
        return min(seconds, config.max_expires)

    def _store(self, aor: str, after: Sequence[Binding]) -> None:
        self._flows.replace(self._location.of(aor), after)
        self._shares.replace(self._location.of(aor), after)
        self._location.replace(aor, after)

    def _flow_closed(self, flow: Flow) -> None:
        """Remove the bindings that are worth nothing without a flow, whoever's they are (RFC 5626 section 7)."""
        for aor in self._flows.users(flow):
            before = self._location.of(aor)
            after = tuple(each for each in before if each.received != flow or not each.ends_with_flow)
            if after != before:
                self._store(aor, after)
                self._changed(aor, "flow closed", before)

    def _changed(self, aor: str, cause: str, before: Iterable[Binding]) -> None:
        bindings = self._location.of(aor)
        left = {each.uri for each in bindings}
        gone = tuple(each for each in before if each.uri not in left)
        self._pieces.changed(aor)
        self.untaken.append(BindingsChanged(owner=self.owner, aor=aor, bindings=bindings, cause=cause, gone=gone))

    def _answer(
        self, request: Request, asked: Asked, bindings: Iterable[Binding], now: float
    ) -> list[tuple[str, object]]:
        """Headers of the 200 (step 8); Expires always, because there are clients that read no other lifetime."""
        lines: list[tuple[str, object]] = []
        longest, aor = 0, request.to.uri.address_of_record()
        for binding in bindings:
            left = max(0, round(binding.expires_at - now))
            longest = max(longest, left)
            lines.append(("Contact", listed(binding, aor, asked.options, left)))
        lines.append(("Expires", longest))
        if "path" in asked.options:
            lines += [("Path", path) for path in asked.path]
        lines += [("Service-Route", route) for route in self.config.service_route]
        if any(isinstance(each, NameAddr) and asked.registers_flow(each) for each in request.contact):
            lines += [("Require", "outbound"), ("Flow-Timer", self.config.flow_timer)]
        if "ms-keep-alive" in request.headers:
            value = f"UAS; tcp=no; hop-hop=yes; end-end=no; timeout={self.config.keep_alive}"
            lines.append(("ms-keep-alive", value))
        if self._endpoint.wall_clock:  # who was not told the time tells none
            lines.append(("Date", Date(datetime.fromtimestamp(self._endpoint.wall_clock + now, UTC))))
        return [*lines, *self.config.headers]

    # Addresses -------------------------------------------------------------------------------------------------------

    def _serves(self, uri: Uri) -> bool:
        return uri.scheme in ("sip", "sips") and (not self._domains or self._is_ours(uri.host))

    def _is_ours(self, host: str) -> bool:
        listen = self._endpoint.listen
        if host in self._domains or any(host in each.hosts for each in listen):
            return True
        # Who listens on all addresses does not know them, but a request that came here by an address means us.
        return is_numeric(host) and any(each.host in ("", "0.0.0.0", "::") for each in listen)

    def _key(self, uri: Uri) -> str:
        """The key of a user: without the domain where all domains are one."""
        if self.config.one_domain and self._serves(uri):
            return (uri.user or "").lower()
        return aor_key(uri)


def _about_us(request: Request) -> bool:
    """Whether a request asks what we can do (RFC 3261 section 11.2)."""
    return request.method == "OPTIONS" and request.uri.user is None and "Route" not in request.headers
