"""Settings of an asyncio user agent, each with its unit and its reason."""

from __future__ import annotations

import attrs

from sip.aio.resolver import Resolver
from sip.aio.settings import TlsContexts, TransportSettings
from sip.config import EndpointConfig
from sip.entropy import Entropy
from sip.field_types import ABOVE_ZERO, checks_types
from sip.trace import TraceSink
from sip.wanted import must_be_port


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class UserAgentSettings:
    """What is seldom changed."""

    host: str | None = None  #: own address; None: the one that faces the server, loopback without a server
    port: int = attrs.field(default=0, validator=must_be_port)  #: own SIP port, UDP and TCP; 0: any free one
    max_calls: int = 100  #: at once, those that ring too; one more is told that it is busy here (486)
    expires: int = attrs.field(default=300, metadata=ABOVE_ZERO)  #: seconds that a registration is asked for
    #: seconds of the session timer of calls made here; None: without
    session_expires: int | None = attrs.field(default=1800, metadata=ABOVE_ZERO)
    #: seconds for the last BYEs and the end of the registration to be answered when it is closed
    close_timeout: float = 2.0
    endpoint: EndpointConfig = attrs.field(factory=lambda: EndpointConfig(user_agent="pyc3p"))
    transport: TransportSettings = attrs.field(factory=TransportSettings)
    tls: TlsContexts | None = None
    resolver: Resolver | None = None
    trace: TraceSink | None = None
    entropy: Entropy | None = attrs.field(default=None, repr=False)  #: None: that of the system
