"""What a stream begins with: numbers that nobody can guess (RFC 3550 section 5.1)."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from rtp.entropy import Entropy
from rtp.errors import LocalProtocolError


@attrs.frozen(kw_only=True)
class StreamStart:
    """The numbers and the name of a source."""

    ssrc: int
    sequence_number: int
    timestamp: int
    cname: str
    uniform: Callable[[], float]

    @classmethod
    def of(
        cls,
        entropy: Entropy | None,
        *,
        ssrc: int | None,
        sequence_number: int | None,
        timestamp: int | None,
        cname: str | None,
        uniform: Callable[[], float] | None,
    ) -> StreamStart:
        """What was given, and the rest by chance; raises LocalProtocolError where there is none to draw from.

        A drawn sequence number is below 2**15: a peer that misses the first packets of an encrypted call then counts
        right (RFC 4568 section 6.4).
        """
        if entropy is not None:
            return cls(
                ssrc=(entropy.integer(32) or 1) if ssrc is None else ssrc,
                sequence_number=entropy.integer(15) if sequence_number is None else sequence_number,
                timestamp=entropy.integer(32) if timestamp is None else timestamp,
                cname=entropy.token(12) if cname is None else cname,
                uniform=uniform or entropy.uniform,
            )
        if ssrc is None or sequence_number is None or timestamp is None or cname is None or uniform is None:
            raise LocalProtocolError(
                "a stream needs entropy=..., or all of ssrc, sequence_number, timestamp, cname and uniform"
            )
        return cls(ssrc=ssrc, sequence_number=sequence_number, timestamp=timestamp, cname=cname, uniform=uniform)
