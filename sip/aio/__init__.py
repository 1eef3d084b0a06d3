"""SIP over real sockets with asyncio: the one place in `sip` that knows sockets, clocks and the system's chance."""

from __future__ import annotations

from sip.aio.clock import live_entropy, wall_clock
from sip.aio.faults import FaultLog
from sip.aio.listeners import ListenFailed
from sip.aio.resolver import Resolver, SystemResolver
from sip.aio.settings import TlsContexts, TransportSettings
from sip.aio.tls import certificate_identity, peer_identity
from sip.aio.tls_faults import TlsFault, TlsFaultKind, TlsFaults
from sip.aio.tls_listener import TlsListener, failure_text
from sip.aio.transport import SipTransport
from sip.transport.locate import Naptr, Question, RecordType, Srv

__all__ = [
    "FaultLog",
    "ListenFailed",
    "Naptr",
    "Question",
    "RecordType",
    "Resolver",
    "SipTransport",
    "Srv",
    "SystemResolver",
    "TlsContexts",
    "TlsFault",
    "TlsFaultKind",
    "TlsFaults",
    "TlsListener",
    "TransportSettings",
    "certificate_identity",
    "failure_text",
    "live_entropy",
    "peer_identity",
    "wall_clock",
]
