"""What a simulated network does to traffic: delays, losses, and faults switched on by a test."""

from __future__ import annotations

import enum

import attrs

from sip import Entropy


@attrs.frozen(kw_only=True)
class Conditions:
    """Chances are from 0 to 1 and for each datagram by itself; streams keep their order and lose nothing."""

    latency: float = 0.002  #: seconds one way
    jitter: float = 0.001  #: seconds, added evenly between 0 and this
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0  #: such datagrams take ten times the latency longer
    media_loss: float | None = None  #: for RTP and RTCP; None: like any datagram
    split: float = 0.3  #: chance that a piece of a stream arrives in two pieces


class HttpFault(enum.Enum):
    """How C3P over HTTP to an element fails."""

    REFUSED = "refused"  #: no connection
    SILENT = "silent"  #: the request is read and never answered, nor carried out
    ANSWER_LOST = "answer lost"  #: carried out, but the answer does not come
    GARBAGE = "garbage"  #: an answer that is no C3P


class Dice:
    """The chances of one link, in one direction (a `sip.testing.Chance`).

    Every value comes from one counter-based source, so that a seed means the same bytes to every interpreter.
    """

    def __init__(self, entropy: Entropy, conditions: Conditions) -> None:
        self._entropy = entropy
        self.conditions = conditions

    def delay(self) -> float:
        """Seconds that bytes travel one way."""
        return self.conditions.latency + self._entropy.uniform() * self.conditions.jitter

    def copies(self, *, media: bool = False) -> list[float]:
        """Delays of each copy of a datagram that arrives; empty when it is lost."""
        conditions = self.conditions
        loss = conditions.loss if not media or conditions.media_loss is None else conditions.media_loss
        if self._happens(loss):
            return []
        copies = 2 if self._happens(conditions.duplication) else 1
        return [self.delay() + self._detour() for _ in range(copies)]

    def pieces(self, data: bytes) -> list[bytes]:
        """A piece of a stream as it arrives."""
        if len(data) < 2 or not self._happens(self.conditions.split):
            return [data]
        cut = 1 + int(self._entropy.uniform() * (len(data) - 1))
        return [data[:cut], data[cut:]]

    def _happens(self, chance: float) -> bool:
        """Draw; what never happens draws nothing."""
        return chance > 0.0 and self._entropy.uniform() < chance

    def _detour(self) -> float:
        return 10 * self.conditions.latency if self._happens(self.conditions.reordering) else 0.0
