"""What a server makes of who sent a request: somebody, a question back, a refusal, or an answer that comes later.

Registrar, proxy and the cores of an application ask the same question of the same `Authenticator` or of a function of
the application, and get one of these four.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

import attrs

from sip.flow import Flow
from sip.message.request import Request
from sip.syntax.keys import AddressOfRecord


class Proof(enum.Enum):
    """By what an identity was proved."""

    NOTHING = "nothing"  #: nobody asked: the From header was believed
    DIGEST = "digest"  #: credentials (RFC 7616)
    CERTIFICATE = "certificate"  #: of the connection (RFC 5922)
    TRUSTED_PEER = "trusted peer"  #: P-Asserted-Identity of a peer that is trusted (RFC 3325)


@attrs.frozen(kw_only=True)
class Identified:
    """Somebody. ``anonymous``: the identity is proven, and must not be shown to others (RFC 3323)."""

    user: AddressOfRecord
    proof: Proof = Proof.NOTHING
    anonymous: bool = False


@attrs.frozen(kw_only=True)
class Challenged:
    """Answer 401 or 407 with these headers, and look at the request that comes with credentials."""

    status: int
    headers: tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class Refused:
    """Answer with this status, and that is all."""

    status: int = 403
    text: str | None = None  #: reason phrase; None: that of the status
    headers: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class Pending:
    """The answer comes later, with this id, by a command of the core that asked."""

    id: str


Identification = Identified | Challenged | Refused | Pending
#: What a core asks for each request that starts something.
Identify = Callable[[Request, Flow], Identification]
