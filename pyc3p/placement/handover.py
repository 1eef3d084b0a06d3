"""What a node says of a request that it sends on to the node that has the conference.

Where something comes from proves nothing between nodes: over loopback everybody is at home, and behind a proxy in front
strangers come from its address. So a node writes into what it sends on that it does, and whether whoever sent it is
trusted there to say who it is. A keyed hash over that and over all that says whose the request is (RFC 2104) proves it;
the key comes from the secret that the nodes share, and nobody else has it.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

import attrs

from sip import Request

#: The header; ``believed`` or ``unknown``, and the proof. Nobody but nodes knows it.
HEADER: Final = "Pyc3p-Handover"
_VALUE: Final = re.compile(r"(believed|unknown);proof=([0-9a-f]{64})")
#: What the proof holds together: whose the request is, and of which transaction, so that nothing in it can be put into
#: another one. Via and Max-Forwards change on the way.
_COVERED: Final = ("From", "To", "Call-ID", "CSeq", "Contact")
#: What is covered where it is believed. Elsewhere it has been taken out.
_CLAIMS: Final = ("P-Asserted-Identity", "P-Preferred-Identity", "Privacy")


@attrs.frozen
class Handovers:
    """Marks what this node sends on, and reads what others have marked. ``key`` is that of all nodes."""

    key: bytes = attrs.field(repr=False)

    @classmethod
    def of_secret(cls, secret: str) -> Handovers:
        """With the key that all who share a secret have."""
        return cls(hmac.digest(secret.encode(), b"pyc3p handover", "sha256"))

    def marked(self, request: Request, *, believed: bool) -> Request:
        """The request with what this node says of whoever sent it, in place of anything like it."""
        word = "believed" if believed else "unknown"
        return request.evolve(set={HEADER: f"{word};proof={self._proof(request, word)}"})

    def word_on(self, request: Request) -> bool | None:
        """Whether whoever sent a request is believed by the node that has sent it on; None: no node did."""
        match = _VALUE.fullmatch(request.headers.get(HEADER) or "")
        if match is None or not hmac.compare_digest(match[2], self._proof(request, match[1])):
            return None
        return match[1] == "believed"

    def _proof(self, request: Request, word: str) -> str:
        names = (*_COVERED, *(_CLAIMS if word == "believed" else ()))
        lines = [f"{name}: {value}" for name in names for value in request.headers.get_all(name)]
        said = "\n".join((word, request.method, str(request.uri), *lines, ""))
        octets = said.encode("utf-8", "surrogateescape") + request.body
        return hmac.digest(self.key, octets, "sha256").hex()
