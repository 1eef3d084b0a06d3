"""What both sides of the carriage allow: limits and times, each with its reason."""

from __future__ import annotations

import attrs

from c3p.binding.xml import DEFAULT_LIMITS, DocumentLimits
from c3p.field_types import ABOVE_ZERO, checks_types
from c3p.shown import Shown


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ServerSettings(Shown):
    """What a server allows its peers."""

    limits: DocumentLimits = DEFAULT_LIMITS
    body_timeout: float = 10.0  #: seconds for the body of one request; peers are servers nearby
    header_timeout: float = 10.0  #: seconds from the connection, or the end of what it was idle for, to a whole head
    keep_alive: float = 75.0  #: seconds that an idle connection stays open; longer than clients keep theirs
    most_strangers: int = 128  #: connections that have not shown who they are; one more closes the oldest of them
    stop_timeout: float = 2.0  #: seconds that requests in progress have when the server stops
    most_requests: int = 256  #: requests in progress at once; more are answered 503, so that memory stays bounded
    busy_retry_after: int = 1  #: seconds, sent with that 503


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class ClientSettings(Shown):
    """How a client waits."""

    connect_timeout: float = 5.0  #: seconds until the connection must stand (docs/c3p-over-http.rst)
    keep_alive: float = 15.0  #: seconds that an idle connection is kept; shorter than servers keep theirs
    connections: int = attrs.field(default=100, metadata=ABOVE_ZERO)  #: at once, to all peers together
    #: exchanges waiting in one lane; more fail at once, so that memory stays bounded
    most_waiting: int = 64
    limits: DocumentLimits = DEFAULT_LIMITS
