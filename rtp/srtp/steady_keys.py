"""SRTP of one source whose packets follow on each other, for somebody who has many such sources.

What has to be done for each packet is a few calls: AES of the counter blocks that its key stream is made of, and the
hash. All else, as the counters and to put key stream and sound together, is arithmetic that can be done for many
packets at once. The context goes on afterwards with how many there were.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs


@attrs.frozen(kw_only=True)
class SteadyKeys:
    """AES-CM and HMAC-SHA1 (RFC 3711 sections 4.1.1 and 4.2.1), without a master key identifier."""

    blocks: Callable[[bytes], bytes] = attrs.field(repr=False)  #: AES of whole blocks, each by itself
    #: The first ``tag_length`` octets of it are the tag of a packet and its roll-over counter in four octets.
    hash: Callable[[bytes], bytes] = attrs.field(repr=False)
    tag_length: int
    #: The counter block that the key stream of the packet with index 0 begins with. That of another one has its index,
    #: shifted by 16, on top by exclusive or; and each block of a stream the number of the block.
    start: int = attrs.field(repr=False)
    index: int  #: of the packet that was sent or came last: roll-over counter and sequence number
