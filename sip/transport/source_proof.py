"""Proof of UDP sources, as the layers above the transport use it (theory: `sip.transport.return_routability`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sip.config import EndpointConfig
from sip.errors import RemoteProtocolError
from sip.flow import Flow
from sip.message.headers import Field
from sip.message.request import Request
from sip.networks import Networks
from sip.transport.return_routability import ProvenSources, UnprovenSources

#: The nonce in a challenge, and in credentials.
_NONCE: Final = re.compile(r'\bnonce[ \t]*+=[ \t]*+"([^"\\]++)"', re.IGNORECASE)
_CHALLENGES: Final = frozenset(("www-authenticate", "proxy-authenticate"))


class SourceProof:
    """Proven and unproven sources of one endpoint.

    Nearly everybody is proven: who calls looks into ``proven.hosts`` first.
    """

    def __init__(self, config: EndpointConfig) -> None:
        self.proven = ProvenSources(config.max_flows, Networks(config.trusted_networks))
        self.unproven = UnprovenSources(config.max_flows, config.amplification)

    def is_proven(self, host: str) -> bool:
        """Whether a host has shown that it receives what it is sent over UDP."""
        return self.proven.has(host)

    def heard(self, flow: Flow, size: int) -> None:
        """Take note of a datagram."""
        if flow not in self.proven:
            self.unproven.heard(flow, size)

    def received(self, request: Request, flow: Flow) -> None:
        """Look for a word of ours in a request."""
        if flow in self.proven:
            return
        words = [request.to.tag]
        for name in ("Authorization", "Proxy-Authorization"):
            for value in request.headers.get_all(name):
                words += _NONCE.findall(value)
        for word in words:
            if self.unproven.knows(flow, word):
                self._prove(flow, word)
                return

    def answered(self, asked: Flow, flow: Flow) -> None:
        """Take note of a response on ``flow`` to a request that was sent on ``asked``."""
        if asked.remote.host == flow.remote.host and flow not in self.proven:
            self._prove(flow, None)

    def _prove(self, flow: Flow, word: str | None) -> None:
        self.proven.add(flow)
        self.unproven.forget(flow, word)

    def affords(self, flow: Flow, size: int, kept: int = 0) -> bool:
        """Whether so many octets may be sent, with ``kept`` left; then they are spent."""
        if flow in self.proven:
            return True
        return self.unproven.credit(flow) >= size + kept and self.unproven.spend(flow, size)

    def asks(self, flow: Flow, request: Request, size: int) -> None:
        """Take note of a request of ours: who gets it is told its From tag, and may have caused it."""
        if self.unproven.words:
            self.unproven.told(flow, request.from_.tag)
        if request.to.tag is not None and flow not in self.proven:
            self.unproven.owe(flow, size)

    def tells(self, flow: Flow, request: Request, tag: str | None, headers: Iterable[Field]) -> None:
        """Take note of an answer of ours: the ``tag`` that was made for it, and the nonces of its challenges."""
        if flow in self.proven:
            return
        if tag is not None and not _has_tag(request):
            self.unproven.tell(flow, tag)
        for name, value in headers:
            if name.lower() in _CHALLENGES:
                for nonce in _NONCE.findall(str(value)):
                    self.unproven.tell(flow, nonce)


def _has_tag(request: Request) -> bool:
    """Whether a request came with a To tag, so that its answer has no other; also where nobody can tell."""
    try:
        return request.to.tag is not None
    except RemoteProtocolError:
        return True
