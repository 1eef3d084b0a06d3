"""SRTP of legs in steady flow.

Where the stream gave its keys, what AES and the hash leave to do is done for all legs at once: counters, key streams
put together with sound. Where it did not (AES-GCM, identifiers of master keys), each packet is opened and sealed by
what the stream gave instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hmac import compare_digest
from typing import Any, ClassVar, Final, cast

from mcu.events import LegId
from mcu.plane.columns import FRAME, Columns, Flags, Octets, Rows, Whole, np
from mcu.plane.legs import Legs
from mcu.plane.line import Broken, Line
from rtp import SteadyFlow, SteadyKeys

_BLOCK: Final = 16  #: octets of AES
_LOW: Final = (1 << 64) - 1
_NUMBERS: Final = np.arange(FRAME // _BLOCK, dtype=np.uint64)  #: of the blocks of one key stream


class Direction(Columns):
    """Packets in, or packets out: what changes with each of them, by row."""

    FRESH: ClassVar[dict[str, tuple[Any, Any, tuple[int, ...]]]] = {
        "secure": (np.bool_, False, ()),
        "high": (np.uint64, 0, ()),
        "low": (np.uint64, 0, ()),
        "index": (np.int64, 0, ()),
    }
    secure: Flags
    high: Any  #: half of the counter block at index 0
    low: Any
    index: Whole  #: of the newest packet

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[SteadyKeys | None] = []  #: of each row
        self.used = 0  #: rows that are secure

    def append(self) -> int:
        """One row more, as new; its number."""
        self.keys.append(None)
        return super().append()

    def remove(self, row: int) -> None:
        """Take a row out; the last one moves to its place."""
        self.keys[row] = self.keys[-1]
        self.keys.pop()
        super().remove(row)

    def begin(self, row: int, keys: SteadyKeys | None) -> None:
        """Packets of this row are SRTP from here on."""
        self.secure[row] = True
        self.used += 1
        self.keys[row] = keys
        if keys is not None:
            self.high[row], self.low[row], self.index[row] = keys.start >> 64, keys.start & _LOW, keys.index

    def end(self, row: int) -> None:
        """They are not, any more."""
        self.used -= int(self.secure[row])
        self.secure[row], self.keys[row] = False, None

    def roll_overs(self, rows: Rows) -> list[bytes]:
        """The roll-over counter of the packet of each row with the index that stands there, as it is hashed."""
        return cast("list[bytes]", (self.index[rows] >> 16).astype(">u4").view("V4").tolist())

    def streams(self, rows: Rows, keys: Sequence[SteadyKeys]) -> Octets:
        """The key stream of the packet of each row with the index that stands there."""
        counters = np.empty((len(rows), len(_NUMBERS), 2), dtype=">u8")
        counters[:, :, 0] = self.high[rows, None]
        counters[:, :, 1] = (self.low[rows] ^ self.index[rows].astype(np.uint64) << 16)[:, None] | _NUMBERS
        blocks = counters.reshape(len(rows), -1).view(f"V{FRAME}").ravel().tolist()
        made = b"".join([each.blocks(block) for each, block in zip(keys, blocks, strict=True)])
        return np.frombuffer(made, dtype=np.uint8).reshape(-1, FRAME)


class Secure:
    """Which legs in steady flow have SRTP, and how. Their packets come and go in order, one a row in one call."""

    def __init__(self, legs: Legs, *, broken: list[Broken], forged: Callable[[Line, float], None]) -> None:
        self._legs, self._broken, self._forged = legs, broken, forged
        self._in, self._out = Direction(), Direction()
        self._opens: dict[LegId, Callable[[bytes], bytes | None]] = {}
        self._seals: dict[LegId, Callable[[bytes], bytes]] = {}

    @property
    def opens(self) -> bool:
        """Whether anything is to be opened."""
        return self._in.used > 0

    @property
    def seals(self) -> bool:
        """Whether anything is to be sealed."""
        return self._out.used > 0

    def append(self) -> None:
        """One row more."""
        for direction in (self._in, self._out):
            direction.append()

    def remove(self, row: int) -> None:
        """Take a row out that is not in steady flow; the last one moves to its place."""
        for direction in (self._in, self._out):
            direction.remove(row)

    def begin(self, line: Line, flow: SteadyFlow) -> None:
        """A leg is in steady flow."""
        inbound, outbound = flow.inbound, flow.outbound
        if inbound is not None and inbound.open is not None:
            self._in.begin(line.row, inbound.keys)
            self._opens[line.leg] = inbound.open
        if outbound.seal is not None:
            self._out.begin(line.row, outbound.keys)
            self._seals[line.leg] = outbound.seal

    def end(self, line: Line) -> None:
        """It is not, any more."""
        for direction in (self._in, self._out):
            direction.end(line.row)
        self._opens.pop(line.leg, None)
        self._seals.pop(line.leg, None)

    # Packets in ------------------------------------------------------------------------------------------------------

    def open(self, places: Rows, rows: Rows, packets: Sequence[bytes], payload: Octets, at: Any) -> tuple[Flags, Flags]:
        """Open those of some packets that are SRTP, and put what is in them into ``payload``, by their places.

        Two flags for each: whether it is authentic, and if not whether its stream has to be given it: else the stream
        knows of it already.
        """
        authentic, unknown = np.ones(len(rows), dtype=np.bool_), np.zeros(len(rows), dtype=np.bool_)
        found: list[int] = []
        keys: list[SteadyKeys] = []
        each_in = self._in.keys
        secure = np.nonzero(self._in.secure[rows])[0]
        these = rows[secure]
        self._in.index[these] += 1
        entries = zip(secure.tolist(), these.tolist(), places[secure].tolist(), self._in.roll_overs(these), strict=True)
        for each, row, place, roll_over in entries:
            steady, packet = each_in[row], packets[place]
            if steady is None:
                self._open_alone(self._legs.names[row], each, place, packet, payload, authentic, at)
                continue
            size = len(packet) - steady.tag_length
            if compare_digest(packet[size:], steady.hash(packet[:size] + roll_over)[: steady.tag_length]):
                found.append(each)
                keys.append(steady)
            else:
                self._in.index[row] -= 1
                authentic[each], unknown[each] = False, True
        if found:
            payload[places[found]] ^= self._in.streams(rows[found], keys)
        return authentic, unknown

    def _open_alone(
        self, leg: LegId, each: int, place: int, packet: bytes, payload: Octets, authentic: Flags, at: Any
    ) -> None:
        try:
            clear = self._opens[leg](packet)
        except Exception as error:
            self._broken.append((leg, error, "receive rtp", float(at[place])))
            clear = None
        if clear is None:
            authentic[each] = False
            self._forged(self._legs.by_leg[leg], float(at[place]))
        else:
            payload[place] = np.frombuffer(clear, dtype=np.uint8)[-FRAME:]

    # Packets out -----------------------------------------------------------------------------------------------------

    def encrypt(self, group: Rows, payload: Octets) -> None:
        """Encrypt the payload of packets that are about to be made, one for each row of the group."""
        secure = np.nonzero(self._out.secure[group])[0]
        known = [(each, keys) for each in secure.tolist() if (keys := self._out.keys[group[each]]) is not None]
        if known:
            found = [each for each, _ in known]
            these = group[found]
            self._out.index[these] += 1
            payload[found] ^= self._out.streams(these, [keys for _, keys in known])

    def seal(self, group: list[int], packets: list[bytes], now: float) -> tuple[list[int], list[bytes]]:
        """Rows and packets as they leave, after ``encrypt`` of their payload; without those whose key is used up."""
        each_out, rows, sealed = self._out.keys, [], []
        for row, packet, roll_over in zip(group, packets, self._out.roll_overs(np.array(group)), strict=True):
            keys = each_out[row]
            if keys is not None:
                packet += keys.hash(packet + roll_over)[: keys.tag_length]
            elif self._out.secure[row]:
                leg = self._legs.names[row]
                try:
                    packet = self._seals[leg](packet)
                except Exception as error:
                    self._broken.append((leg, error, "mix", now))
                    continue
            rows.append(row)
            sealed.append(packet)
        return rows, sealed
