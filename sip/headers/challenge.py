"""WWW-Authenticate, Proxy-Authenticate and what answers them (RFC 3261 sections 20.6, 20.7, 20.27, 20.28, 20.44).

Each header line is one challenge or one set of credentials: their commas separate parameters. Digest, and the NTLM,
Kerberos and TLS-DSK of Microsoft's servers, share this form; what the parameters mean is elsewhere.
"""

from __future__ import annotations

from typing import Self

import attrs

from sip.errors import LocalProtocolError
from sip.headers.auth_params import TOKEN68, AuthParams, read_auth, read_params
from sip.syntax.grammar import Report, is_token, must_be_token, tolerate


def _is_token68(_: object, __: object, value: str) -> None:
    if not TOKEN68.fullmatch(value):
        raise LocalProtocolError("not a token68")


@attrs.frozen
class Challenge:
    """What a server asks for."""

    scheme: str = attrs.field(validator=must_be_token)
    params: AuthParams = AuthParams()
    token68: str = attrs.field(
        default="", validator=_is_token68
    )  #: what stands in place of parameters, as in ``Negotiate TlRMTVNTUAAB``

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one header line; raises MalformedHeader."""
        scheme, token68, params = read_auth("challenge", text, report)
        return cls(scheme, params, token68)

    @property
    def realm(self) -> str | None:
        """Whose credentials are asked for."""
        return self.params.get("realm")

    def __str__(self) -> str:
        return f"{self.scheme} {self.token68 or self.params}".rstrip(" ")


@attrs.frozen(repr=False)
class Authorization:
    """Credentials of a client, for Authorization and Proxy-Authorization. The repr shows no values."""

    scheme: str = attrs.field(validator=must_be_token)
    params: AuthParams = AuthParams()
    token68: str = attrs.field(default="", validator=_is_token68)

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one header line; raises MalformedHeader."""
        scheme, token68, params = read_auth("credentials", text, report)
        return cls(scheme, params, token68)

    @property
    def realm(self) -> str | None:
        """The realm that they are for."""
        return self.params.get("realm")

    def __str__(self) -> str:
        return f"{self.scheme} {self.token68 or self.params}".rstrip(" ")

    def __repr__(self) -> str:
        return f"Authorization({self.scheme!r}, {self.params!r})"


@attrs.frozen
class AuthenticationInfo:
    """What a server proves about itself (RFC 3261 section 20.6). Microsoft's servers put the scheme first."""

    params: AuthParams = AuthParams()
    scheme: str | None = attrs.field(default=None, validator=attrs.validators.optional(must_be_token))

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        first, blank, rest = text.strip(" \t").partition(" ")
        if blank and is_token(first) and "=" in rest and not rest.lstrip().startswith("="):
            return cls(read_params("Authentication-Info", rest, report), first)
        return cls(read_params("Authentication-Info", text, report))

    def __str__(self) -> str:
        return f"{self.scheme} {self.params}" if self.scheme else str(self.params)
