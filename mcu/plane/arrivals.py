"""A batch of datagrams taken apart: which may be ordinary packets of legs in steady flow, and which are for a stream.

A loop over the packets would cost as much as all that is done with them; so what has to be looked up for each of them
is looked up by calls that loop in C, and the rest is arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, repeat
from operator import eq
from typing import Any

import attrs

from mcu.events import LegId
from mcu.plane.columns import Real, Rows, Whole, np
from mcu.plane.legs import Legs

Arrived = tuple[LegId, str, bytes, tuple[str, int], float]  #: leg, "rtp" or "rtcp", datagram, source, arrival


@attrs.define
class Candidates:
    """Datagrams of the length and from the source of ordinary packets, one entry each, in order of arrival."""

    places: Rows  #: in the batch
    rows: Rows  #: of their legs
    packets: Sequence[bytes]
    arrivals: Real
    others: Rows  #: places of all other datagrams


def candidates(batch: Sequence[Arrived], legs: Legs, lengths: Whole) -> Candidates:
    """Take a batch apart; ``lengths`` are those of ordinary packets of each row.

    Of a leg nothing is a candidate that came after something that is none: the order is kept.
    """
    count = len(batch)
    names, kinds, packets, sources, arrivals = zip(*batch, strict=True)
    rows = _array(map(legs.rows.get, names, repeat(-1)), np.intp, count)
    fit = _array(map(eq, sources, map(legs.sources.get, names)), np.bool_, count)
    fit &= _array(map(len, packets), np.intp, count) == lengths[rows]
    if kinds.count("rtp") != count:
        fit &= _array(map(eq, kinds, repeat("rtp")), np.bool_, count)
    at = np.array(arrivals)
    if fit.all():
        return Candidates(np.arange(count), rows, packets, at, np.zeros(0, dtype=np.intp))
    odd = np.nonzero(~fit)[0]
    first = np.full(len(legs) + 1, count)  # the last one is of datagrams without a leg
    np.minimum.at(first, rows[odd], odd)
    fit &= np.arange(count) < first[rows]
    return Candidates(
        np.nonzero(fit)[0], rows[fit], list(compress(packets, fit.tolist())), at[fit], np.nonzero(~fit)[0]
    )


def _array(values: Any, kind: Any, count: int) -> Any:
    return np.fromiter(values, kind, count)
