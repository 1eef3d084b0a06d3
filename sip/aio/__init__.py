"""SIP over real sockets with asyncio: the one place in `sip` that knows sockets, clocks and the system's chance."""

from sip.aio.clock import live_entropy, wall_clock
from sip.aio.faults import FaultLog
from sip.aio.resolver import Resolver, SystemResolver
from sip.aio.settings import TlsContexts, TransportSettings
from sip.aio.tls import certificate_identity, peer_identity
from sip.aio.transport import SipTransport
from sip.transport.locate import Naptr, Question, RecordType, Srv

__all__ = [
    "FaultLog",
    "Naptr",
    "Question",
    "RecordType",
    "Resolver",
    "SipTransport",
    "Srv",
    "SystemResolver",
    "TlsContexts",
    "TransportSettings",
    "certificate_identity",
    "live_entropy",
    "peer_identity",
    "wall_clock",
]
