"""Who may register an address (RFC 3261 section 10.3 steps 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sip.authentication.digest_server import CredentialStore, DigestConfig, DigestServer, Outcome
from sip.authentication.identification import Challenged, Identification, Identified, Refused
from sip.authentication.origin import Origins
from sip.endpoint.endpoint import Endpoint
from sip.entropy import Entropy
from sip.flow import Flow
from sip.message.request import Request
from sip.servers.location import Binding
from sip.servers.registrar_config import RegistrarConfig
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host


class RegistrationRefused(Exception):
    """A REGISTER that gets another answer than 200; nothing was changed."""

    def __init__(self, status: int, headers: Iterable[tuple[str, str]] = (), reason: str | None = None) -> None:
        super().__init__(status)
        self.status, self.headers, self.reason = status, tuple(headers), reason


def same_user(username: str, aor: Uri) -> bool:
    """Whether a user may register an address: its own (the default rule)."""
    return username.lower() in ((aor.user or "").lower(), f"{aor.user}@{aor.host}".lower())


class Rights:
    """The rule of one registrar: what an authenticator says, or credentials that it looks at itself."""

    def __init__(
        self,
        config: RegistrarConfig,
        may_register: Callable[[str, Uri], bool],
        credentials: CredentialStore | None,
        *,
        endpoint: Endpoint,
        entropy: Entropy,
        key: Callable[[Uri], str],
        serves: Callable[[Uri], bool],
    ) -> None:
        """Take what the registrar knows.

        ``key`` names users, because one of several domains may have the same users as another; ``serves`` says which
        URIs lead here.
        """
        self._may_register, self._key, self._serves = may_register, key, serves
        self._origins = Origins(endpoint.config.trusted_networks)
        self._digest: DigestServer | None = None
        if credentials is not None:
            realm = config.realm or next(iter(config.domains), "registrar")
            self._digest = DigestServer(
                config.digest or DigestConfig(realm=realm),
                credentials,
                key=bytes.fromhex(entropy.child("registrar key").token(32)),
                entropy=entropy.child("registrar nonces"),
                wall_clock=endpoint.wall_clock,
            )

    def check(self, request: Request, flow: Flow, identification: Identification | None, *, now: float) -> None:
        """Raise RegistrationRefused unless the address in To is the sender's own."""
        match identification:
            case Challenged():
                raise RegistrationRefused(identification.status, identification.headers)
            case Refused():
                raise RegistrationRefused(identification.status, identification.headers, identification.text)
            case Identified(user=user):
                if user.uri is None or self._key(user.uri) != self._key(request.to.uri):
                    raise RegistrationRefused(403)
            case _:
                self._check_credentials(request, flow, now)

    def _check_credentials(self, request: Request, flow: Flow, now: float) -> None:
        if self._digest is None:
            return

        def leads_here(uri: Uri) -> bool:
            """Whether a client may name us so; sipp for one names us as it reaches us."""
            return self._serves(uri) or uri.host == canonical_host(flow.local.host)

        forgeable = self._origins.forgeable(request, flow)
        verdict = self._digest.verify(request, now=now, leads_here=leads_here, source=forgeable)
        if verdict.outcome is Outcome.MALFORMED:
            raise RegistrationRefused(400)
        if verdict.outcome is not Outcome.ACCEPTED or verdict.username is None:
            stale = verdict.outcome is Outcome.STALE
            source = self._origins.of(request, flow)
            raise RegistrationRefused(self._digest.status, self._digest.challenges(now=now, stale=stale, source=source))
        if not self._may_register(verdict.username, request.to.uri):
            raise RegistrationRefused(403)


def check_order(binding: Binding, request: Request) -> None:
    """Refuse what is older than the binding: the same Call-ID must count on (step 7). Raises RegistrationRefused."""
    if binding.call_id == request.call_id and request.cseq.number <= binding.cseq:
        raise RegistrationRefused(500)
