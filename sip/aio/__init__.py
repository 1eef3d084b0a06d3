"""SIP over real sockets with asyncio: the one place in `sip` that knows sockets, clocks and the system's chance."""

from __future__ import annotations

from sip.aio.call import Call
from sip.aio.client_endpoint import as_server, client_endpoint
from sip.aio.clock import live_entropy, wall_clock
from sip.aio.cures import cure_of
from sip.aio.errors import (
    CallError,
    HoldError,
    MessageError,
    RegistrationError,
    SubscriptionError,
    TransferError,
    UserAgentError,
)
from sip.aio.event_queue import EventQueue
from sip.aio.faults import FaultLog
from sip.aio.listeners import ListenFailed
from sip.aio.opened_media import NoMedia, OpensMedia
from sip.aio.resolver import Resolver, SystemResolver
from sip.aio.settings import TlsContexts, TransportSettings
from sip.aio.subscription import Subscription
from sip.aio.tls import certificate_identity, peer_identity
from sip.aio.tls_faults import TlsFault, TlsFaultKind, TlsFaults
from sip.aio.tls_listener import TlsListener, failure_text
from sip.aio.transport import SipTransport
from sip.aio.user_agent import UserAgent
from sip.aio.user_agent_settings import UserAgentSettings
from sip.transport.locate import Naptr, Question, RecordType, Srv

__all__ = [
    "Call",
    "CallError",
    "EventQueue",
    "FaultLog",
    "HoldError",
    "ListenFailed",
    "MessageError",
    "Naptr",
    "NoMedia",
    "OpensMedia",
    "Question",
    "RecordType",
    "RegistrationError",
    "Resolver",
    "SipTransport",
    "Srv",
    "Subscription",
    "SubscriptionError",
    "SystemResolver",
    "TlsContexts",
    "TlsFault",
    "TlsFaultKind",
    "TlsFaults",
    "TlsListener",
    "TransferError",
    "TransportSettings",
    "UserAgent",
    "UserAgentError",
    "UserAgentSettings",
    "as_server",
    "certificate_identity",
    "client_endpoint",
    "cure_of",
    "failure_text",
    "live_entropy",
    "peer_identity",
    "wall_clock",
]
