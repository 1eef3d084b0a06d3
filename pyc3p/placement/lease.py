"""How long a node may be silent before others take it for gone, and what goes with that."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class LeaseSettings:
    """How nodes notice that one is gone, in seconds."""

    interval: float = 1.0  #: between two renewals
    #: of a lease: a renewal may be lost and the next one late; what a node had is back on others within five seconds
    #: of its end
    lifetime: float = 3.0
    answer: float = 1.0  #: for an answer of the store; then it counts as away
    #: Operations under way at once: enough to take 1,000 conferences over in a second, at a round trip of 50 ms
    at_once: int = 64
    #: Renewals after which a conference that its heir has not taken is anybody's.
    patience: int = 3
