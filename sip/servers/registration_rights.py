"""Who may register an address (RFC 3261 section 10.3 steps 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sip.authentication.digest_server import DigestServer, Outcome
from sip.authentication.identification import Challenged, Identification, Identified, Refused
from sip.message.request import Request
from sip.servers.location import Binding
from sip.syntax.uri import Uri

__all__ = ["RegistrationRefused", "Rights", "check_order", "same_user"]


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

    def __init__(self, may_register: Callable[[str, Uri], bool]) -> None:
        self.digest: DigestServer | None = None
        self._may_register = may_register

    def check(
        self, request: Request, identification: Identification | None, key: Callable[[Uri], str], *, now: float
    ) -> None:
        """Raise RegistrationRefused unless the address in To is the sender's own.

        ``key`` names users: the registrar's, because one of several domains may have the same users as another.
        """
        match identification:
            case Challenged():
                raise RegistrationRefused(identification.status, identification.headers)
            case Refused():
                raise RegistrationRefused(identification.status, identification.headers, identification.text)
            case Identified(user=user):
                if user.uri is None or key(user.uri) != key(request.to.uri):
                    raise RegistrationRefused(403)
            case _:
                self._check_credentials(request, now)

    def _check_credentials(self, request: Request, now: float) -> None:
        if self.digest is None:
            return
        verdict = self.digest.verify(request, now=now)
        if verdict.outcome is Outcome.MALFORMED:
            raise RegistrationRefused(400)
        if verdict.outcome is not Outcome.ACCEPTED or verdict.username is None:
            stale = verdict.outcome is Outcome.STALE
            raise RegistrationRefused(self.digest.status, self.digest.challenges(now=now, stale=stale))
        if not self._may_register(verdict.username, request.to.uri):
            raise RegistrationRefused(403)


def check_order(binding: Binding, request: Request) -> None:
    """Refuse what is older than the binding: the same Call-ID must count on (step 7)."""
    if binding.call_id == request.call_id and request.cseq.number <= binding.cseq:
        raise RegistrationRefused(500)
