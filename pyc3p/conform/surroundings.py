"""What an element of ours needs of the bench that it stands on."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Protocol

from pyc3p.conform.target import Target
from pyc3p.conform.wire import Arrival, Wire
from sip import Request, Response


class Surroundings(Protocol):
    """The bench, as seen from an element of ours."""

    target: Target
    wire: Wire
    tls: ssl.SSLContext | None
    patience: float  #: seconds to wait for a final response
    ring_patience: float  #: seconds to wait for that to a call

    def token(self) -> str:
        """A word that nobody has used."""

    def wait(self, until: float) -> None:
        """Let messages come until then, or until the first one."""

    def arrived(self, name: str, arrival: Arrival) -> None:
        """Note what came to one of ours."""

    def arrivals_of(self, name: str) -> Sequence[Arrival]:
        """All that came to one of ours."""

    def offer(self, host: str) -> bytes:
        """A session description."""

    def credentials_for(self, response: Response, request: Request) -> tuple[tuple[str, str], ...]:
        """Header lines that answer a challenge."""
