"""The sink that an adapter tells of every message at the network edge."""

from __future__ import annotations

from typing import Protocol


class TraceSink(Protocol):
    """Takes one record for each datagram, stream message, HTTP exchange part or media packet."""

    def record(
        self,
        *,
        layer: str,
        transport: str,
        source: tuple[str, int],
        destination: tuple[str, int],
        data: bytes,
        at: float,
    ) -> None:
        """Note ``data`` seen at ``at`` (monotonic seconds); ``layer`` is ``sip``, ``http``, ``rtp`` or ``rtcp``."""
        ...
