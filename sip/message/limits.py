"""How large a message may be."""

from __future__ import annotations

import attrs

from sip.field_types import checks_types


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class Limits:
    """Sizes beyond which a message is refused (513) instead of held in memory."""

    #: octets of the start line or of one header after unfolding: the largest seen are tokens below 8 KiB
    max_line: int = 16 * 1024
    max_headers: int = 256  #: header lines: 70 hops with Via and Record-Route each, and what a message has anyway
    max_head: int = 64 * 1024  #: octets of start line and headers together: as much as a datagram can carry
    max_body: int = 1024 * 1024  #: octets of body on a stream: a full roster of a thousand users is about 500 KiB
    max_datagram_body: int = 65507  #: octets of body in a datagram: what UDP over IPv4 can carry
    #: commas in start line and headers together: they stand between the items of lists, each of which costs a hundred
    #: times its octets to read. 70 hops with Via, Route and Record-Route are 210, and the lists of options some dozens
    max_commas: int = 512
    max_vias: int = 70  #: hops, as many as Max-Forwards allows by default (RFC 3261 section 8.1.1.6)


DEFAULT_LIMITS = Limits()
