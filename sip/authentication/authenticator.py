"""Who sent a request, asked in one place by every core of a server: credentials, certificates, trusted peers."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

import attrs

from sip.authentication.asserted import asserted_uri, is_anonymous, preferred_uri, wants_privacy
from sip.authentication.digest_server import CredentialStore, DigestConfig, DigestServer, Outcome, Verdict
from sip.authentication.identification import (
    Challenged,
    Identification,
    Identified,
    Identify,
    Pending,
    Proof,
    Refused,
)
from sip.authentication.trusted_peers import TrustedPeers
from sip.authentication.wrong_passwords import WrongPasswordLimits, WrongPasswords
from sip.entropy import Entropy
from sip.errors import LocalProtocolError, RemoteProtocolError, SipError
from sip.events import CredentialsRefused, Event
from sip.field_types import checks_types
from sip.flow import Flow
from sip.message.request import Request
from sip.networks import source_of
from sip.shares import Shares
from sip.syntax.keys import AddressOfRecord
from sip.syntax.uri import Uri, aor_key
from sip.syntax.uri_parts import canonical_host
from sip.wanted import must_be_names

#: Nobody can answer a challenge to these (RFC 3261 section 22.1), nor wait for what a store says of them: BENOTIFY has
#: no answer at all.
_NEVER_CHALLENGED: Final = frozenset({"ACK", "CANCEL", "BENOTIFY"})
_NOT_YOURS: Final = Refused(status=403, text="Not Your Address")
#: What an unknown name is told as well as a wrong password: the work for both is the same.
_WRONG: Final = "wrong name or password"
_WRONG_AND_TOO_MANY: Final = "too many wrong passwords"
#: Events that nobody has taken: about 300 octets each. An application need not take them.
_MOST_EVENTS: Final = 1_000
_TOO_MANY: Final = Refused(status=503, headers=(("Retry-After", "5"),))


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class AuthenticatorConfig:
    """Whose users are known here, and who else is believed."""

    #: The users are those of the first, and the others are names for it; the address that a request came to is one,
    #: too. None: whatever stands behind the name of a user.
    domains: tuple[str, ...] = attrs.field(default=(), validator=must_be_names)
    digest: DigestConfig | None = None  #: how it challenges; None: for the first domain, as phones in use need it
    trusted_networks: tuple[str, ...] = ()  #: source addresses that are believed (RFC 3325 section 2.3)
    trusted_peers: tuple[str, ...] = ()  #: names proved by a certificate that are believed in the same way
    #: Users who may speak for others, as trusted peers do: the parts of a system, each with a password of its own.
    #: They are believed by the proxy alone, and only as they come from their own hosts.
    trusted_users: tuple[str, ...] = ()
    #: Whether anybody else has a password. If not, nobody else is asked for one that he cannot have: 403.
    users_have_passwords: bool = True
    #: Addresses and networks that trusted users come from, beside the host of the server itself.
    trusted_user_networks: tuple[str, ...] = ()
    #: Domains whose servers vouch for their users by their certificate (RFC 5922): a From of that domain is believed.
    certificate_domains: tuple[str, ...] = ()
    #: Whether a certificate for ``sip:user@domain`` stands for that user. Only where the authorities that are believed
    #: give such names to those whom they belong to.
    user_certificates: bool = False
    wrong_passwords: WrongPasswordLimits = WrongPasswordLimits()  #: how many are heard
    max_pending: int = 1_000  #: questions that wait for the store; about 4 KiB each, and a store that slow is broken
    max_pending_per_source: int = 100  #: of them, of one address (of IPv6 a /64): a large site behind one NAT
    pending_lifetime: float = 30.0  #: seconds; by then the core that asked has given up


@attrs.frozen(kw_only=True)
class _Question:
    """A request whose sender's secret is being looked up."""

    request: Request
    flow: Flow
    proxy: bool
    asked_at: float

    @property
    def source(self) -> str:
        return source_of(self.flow.remote.host)


class Authenticator:
    """Identifies the senders of requests for the cores of a server, which share one realm and one set of users.

    Three ways, in this order: a trusted peer says who it is (``P-Asserted-Identity``, else From; RFC 3325); the
    certificate of the connection vouches for From (RFC 5922); the sender knows a password (RFC 7616, RFC 8760), and
    then the From, and a P-Preferred-Identity if there is one, must be its own: else 403. A From that names nobody (RFC
    3323) passes with a proven identity.

    ``store`` None: nobody has a password, and whoever is not known otherwise is refused. ``key`` is secret and shared
    by the processes of one realm, so that they take each other's nonces; a count of a nonce is remembered by one.

    Whoever has no account here gets, octet by octet but for the nonce, what one with a wrong password gets, and costs
    the same work. After so many wrong passwords (``wrong_passwords``) it is 503 with Retry-After, for right ones too,
    but for users who proved themselves from that source lately.
    """

    def __init__(
        self,
        config: AuthenticatorConfig,
        store: CredentialStore | None,
        *,
        key: bytes,
        entropy: Entropy,
        wall_clock: float = 0.0,
    ) -> None:
        self.config = config
        self._domains = frozenset(canonical_host(each) for each in config.domains)
        self._trusted = TrustedPeers(config.trusted_networks, config.trusted_peers)
        self._hosts_of_trusted_users = TrustedPeers(config.trusted_user_networks)
        self._vouching = frozenset(canonical_host(each) for each in config.certificate_domains)
        digest = config.digest or DigestConfig(realm=next(iter(config.domains), "sip"))
        self._digest = None
        if store is not None:
            self._digest = DigestServer(digest, store, key=key, entropy=entropy, wall_clock=wall_clock)
        self._wrong = WrongPasswords(config.wrong_passwords)
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._questions: OrderedDict[str, _Question] = OrderedDict()
        self._shares = Shares(config.max_pending_per_source)

    def take_events(self) -> list[Event]:
        """What there is to tell of credentials that were refused: `CredentialsRefused`. At most the last thousand."""
        events = list(self._events)
        self._events.clear()
        return events

    def next_timeout(self) -> float | None:
        """Nothing is ever due. With this a driver takes its events as those of any machine."""
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Nothing is due: events alone."""
        return self.take_events()

    @property
    def realm(self) -> str | None:
        """Whose passwords it asks for; None when nobody has one."""
        return None if self._digest is None else self._digest.config.realm

    def trusts(self, flow: Flow) -> bool:
        """Whether the peer of a flow is believed in all that it says of identities."""
        return flow in self._trusted

    def trusts_host(self, host: str, *, will_prove_it: bool) -> bool:
        """The same of a host that something is about to be sent to; over TLS it has to prove its name first."""
        return self._trusted.include_host(host, will_prove_it=will_prove_it)

    def identify(
        self, request: Request, flow: Flow, *, now: float, proxy: bool = False, trusted: bool | None = None
    ) -> Identification:
        """Who sent a request that came by ``flow``; a proxy challenges with 407, everybody else with 401.

        ``trusted`` is what is known of its sender in place of what ``flow`` says: a server alike has passed it on,
        proves to have, and knows. Ask once for each request: credentials serve once. ACK, CANCEL and BENOTIFY are never
        challenged; they are refused where nothing but credentials would help.
        """
        try:
            if flow in self._trusted if trusted is None else trusted:
                return self._believed(request)
            preferred_uri(request)  # what cannot be read is refused before anybody is asked for a password
        except RemoteProtocolError as error:
            return Refused(status=error.status_hint)
        if trusted is None and self._is_vouched_for(request, flow):  # else the certificate is that of who passed it on
            return Identified(
                user=AddressOfRecord.read(str(request.from_.uri)),
                proof=Proof.CERTIFICATE,
                anonymous=wants_privacy(request),
            )
        if self._digest is None or request.method in _NEVER_CHALLENGED or not self._asks(flow, proxy=proxy):
            return Refused(status=403)
        verdict = self._digest.verify(
            request,
            now=now,
            proxy=proxy,
            leads_here=self._may_register_at(request, flow),
            source=self._wrong.origins.forgeable(request, flow),
            use_count=False,
        )
        if verdict.pending is not None:
            return self._wait(verdict.pending, _Question(request=request, flow=flow, proxy=proxy, asked_at=now))
        return self._judged(verdict, request, flow, proxy, now)

    def recognises(self, request: Request, flow: Flow) -> bool:
        """Whether credentials show that their source has read a challenge of ours, whoever it is and however long ago.

        For `EndpointConfig.recognises`. Nothing is looked up, and no count of a nonce is used up.
        """
        return self._digest is not None and self._digest.recognises(request, self._wrong.origins.of(request, flow))

    def is_ours(self, identified: Identified, flow: Flow) -> bool:
        """Whether somebody who was identified is a user of our domains, and none of a domain that vouches for him."""
        uri = identified.user.uri
        if identified.proof is Proof.DIGEST:
            return True
        # Without domains no name is known to be ours, and a certificate speaks of the users of others.
        return uri is not None and bool(self._domains) and self._is_home(uri.host, flow)

    def account_of(self, identified: Identified, flow: Flow) -> str:
        """What limits by user count somebody under: one key for all names of our domain that he goes by."""
        uri = identified.user.uri
        if uri is None or not self.config.domains or not self._is_home(uri.host, flow):
            return identified.user.key
        return aor_key(Uri("sip", self.config.domains[0], uri.user))

    def resolved(self, pending_id: str, secret: str | None, *, now: float) -> Identification:
        """The answer to a question of the store, None for an unknown user; what it means for the request.

        Give the result to the core that waits. Raises LocalProtocolError when nothing waits for it: it was answered,
        or waited for longer than ``pending_lifetime``.
        """
        question = self._questions.pop(pending_id, None)
        if question is None or self._digest is None:
            raise LocalProtocolError(f"nothing waits for {pending_id!r}")
        self._shares.give_back(question.source)
        verdict = self._digest.verify(
            question.request,
            now=now,
            proxy=question.proxy,
            leads_here=self._may_register_at(question.request, question.flow),
            secret=secret,
            source=self._wrong.origins.forgeable(question.request, question.flow),
            use_count=False,
        )
        return self._judged(verdict, question.request, question.flow, question.proxy, now)

    def asked_at(self, clock: Callable[[], float]) -> Identify:
        """The same question for cores that ask without a time: ``clock`` gives ``now``, as `Endpoint.now` does."""
        return lambda request, flow: self.identify(request, flow, now=clock())

    # Trusted peers ---------------------------------------------------------------------------------------------------

    def _believed(self, request: Request) -> Identified:
        """Raises RemoteProtocolError for an assertion that cannot be read."""
        said = asserted_uri(request) or request.from_.uri
        return Identified(
            user=AddressOfRecord.read(str(said)), proof=Proof.TRUSTED_PEER, anonymous=wants_privacy(request)
        )

    # Certificates ----------------------------------------------------------------------------------------------------

    def _is_vouched_for(self, request: Request, flow: Flow) -> bool:
        """Whether the certificate of a connection stands for From, and for the preferred identity if there is one."""
        if not flow.peer_identity and not flow.peer_users:
            return False
        names = {canonical_host(each) for each in flow.peer_identity} & self._vouching
        users = set[str]()
        if self.config.user_certificates:
            users = {AddressOfRecord.read(each).key for each in flow.peer_users}
        claims = [request.from_.uri, *([preferred] if (preferred := preferred_uri(request)) is not None else [])]
        return all(uri.scheme in ("sip", "sips") and (uri.host in names or aor_key(uri) in users) for uri in claims)

    # Credentials -----------------------------------------------------------------------------------------------------

    def _judged(self, verdict: Verdict, request: Request, flow: Flow, proxy: bool, now: float) -> Identification:
        assert self._digest is not None
        if verdict.outcome is Outcome.MALFORMED:
            return Refused(status=400)
        source = self._wrong.origins.of(request, flow)
        if verdict.outcome is not Outcome.ACCEPTED or verdict.username is None:
            if verdict.username is not None:
                refusal = self._wrong.wrong(verdict.username, source, now=now)
                self._tell(verdict.username, source, _WRONG if refusal is None else _WRONG_AND_TOO_MANY)
                if refusal is not None:
                    return refusal
            stale = verdict.outcome is Outcome.STALE
            headers = self._digest.challenges(now=now, stale=stale, proxy=proxy, source=source)
            return Challenged(status=407 if proxy else 401, headers=headers)
        if (refusal := self._wrong.right(verdict.username, source, now=now)) is not None:
            self._tell(verdict.username, source, _WRONG_AND_TOO_MANY)
            return refusal  # its count stays unused, so that it is answered like a wrong one when it comes again, too
        self._digest.use(verdict)
        if verdict.username in self.config.trusted_users:
            if not (proxy and self._is_host_of_parts(flow)):
                self._tell(verdict.username, source, "the password of a part, and not from its host")
                return Refused(status=403)  # somebody shows what was meant for us
            try:
                return self._believed(request)
            except RemoteProtocolError as error:
                return Refused(status=error.status_hint)
        own = self._own(verdict.username, request, flow)
        if isinstance(own, Refused):
            self._tell(verdict.username, source, "it is not his name in From, or in P-Preferred-Identity")
        return own

    def _tell(self, username: str, source: str, reason: str) -> None:
        assert self._digest is not None
        realm = self._digest.config.realm
        self._events.append(CredentialsRefused(owner="", realm=realm, username=username, source=source, reason=reason))

    def _asks(self, flow: Flow, *, proxy: bool) -> bool:
        """Whether whoever sends by a flow may have a password."""
        return self.config.users_have_passwords or (proxy and self._is_host_of_parts(flow))

    def _is_host_of_parts(self, flow: Flow) -> bool:
        is_ours = canonical_host(flow.remote.host) == canonical_host(flow.local.host)
        return is_ours or flow in self._hosts_of_trusted_users

    def _own(self, username: str, request: Request, flow: Flow) -> Identification:
        """The user as it calls itself, which has to be a name of its own."""
        said, preferred = request.from_.uri, preferred_uri(request)
        hidden = is_anonymous(said)
        if (preferred is not None and not self._is_named(username, preferred, flow)) or not (
            hidden or self._is_named(username, said, flow)
        ):
            return _NOT_YOURS
        shown = preferred if preferred is not None else self._address(username) if hidden else said
        return Identified(user=AddressOfRecord.read(str(shown)), proof=Proof.DIGEST, anonymous=wants_privacy(request))

    def _is_named(self, username: str, uri: Uri, flow: Flow) -> bool:
        """Whether an address is that of a user, in its domain or, for the users of ours, under another name of it."""
        if uri.scheme not in ("sip", "sips") or uri.user is None:
            return False
        own = self._address(username)
        ours = "@" not in username or own.host in self._domains
        if uri.host != own.host and not (ours and self._is_home(uri.host, flow)):
            return False
        return aor_key(Uri("sip", own.host, uri.user)) == aor_key(own)

    def _is_home(self, host: str, flow: Flow) -> bool:
        return not self._domains or host in self._domains or host == canonical_host(flow.local.host)

    def _may_register_at(self, request: Request, flow: Flow) -> Callable[[Uri], bool]:
        """Which URIs the credentials of a REGISTER may be for beside its own: clients name us as they reach us.

        sipp does, for one. Those for a registrar elsewhere, which has them of a client that it lures, are not for us.
        """
        if request.method != "REGISTER":
            return lambda uri: False
        return lambda uri: self._is_home(uri.host, flow) or self._wrong.origins.are_ours(source_of(uri.host))

    def _address(self, username: str) -> Uri:
        """The address of a user, whose name may have a domain of its own."""
        user, _, host = username.partition("@")
        home = next(iter(self.config.domains), "invalid")
        try:
            return Uri("sip", host or home, user)
        except SipError:  # what follows is no host: then the stroke belongs to the name
            return Uri("sip", home, username)

    # Answers that come later -----------------------------------------------------------------------------------------

    def _wait(self, pending: Pending, question: _Question) -> Identification:
        if pending.id in self._questions:
            raise LocalProtocolError(f"a question that waits has the id {pending.id!r} already")
        end = question.asked_at - self.config.pending_lifetime
        while self._questions and next(iter(self._questions.values())).asked_at < end:
            _, old = self._questions.popitem(last=False)
            self._shares.give_back(old.source)
        if len(self._questions) >= self.config.max_pending or not self._shares.take(question.source):
            return _TOO_MANY
        self._questions[pending.id] = question
        return pending
