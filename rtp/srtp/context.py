"""SRTP and SRTCP (RFC 3711, AES-GCM as in RFC 7714, AES-256 as in RFC 6188)."""

from __future__ import annotations

import struct
from collections import OrderedDict
from contextlib import suppress
from typing import Final

import attrs

from rtp.errors import AuthenticationFailed, LocalProtocolError, MalformedPacket, ReplayedPacket
from rtp.srtp.profile import PROFILES
from rtp.srtp.steady_keys import SteadyKeys
from rtp.srtp.transform import CounterMode, Gcm, Transform

_WINDOW: Final = 128  #: packets that may be reordered; 64 is the least that RFC 3711 section 3.3.2 allows
_WHOLE: Final = (1 << _WINDOW) - 1
_MAX_SOURCES: Final = 64  #: SSRCs with state of their own; the one longest unheard makes room
_MAX_RTCP_INDEX: Final = 2**31 - 1  #: after it a master key is used up (section 9.2)
_MAX_RTP_INDEX: Final = 2**48 - 1
_MAX_STEADY_INDEX: Final = _MAX_RTP_INDEX - 2**24  #: more than anybody sends until it is looked at again
_ENCRYPTED: Final = 1 << 31  #: the E bit of SRTCP
_PLAIN: Final = 0x80  #: first octet of a packet with nothing optional in its header, as nearly all are
_NUMBERS: Final = struct.Struct("!2xH4xI")  #: sequence number and SSRC


@attrs.define(slots=True)
class _ReplayWindow:
    """Which of the last indexes were seen (section 3.3.2)."""

    highest: int = -1
    seen: int = 0

    def check(self, index: int) -> None:
        age = self.highest - index
        if age >= _WINDOW or (age >= 0 and self.seen >> age & 1):
            raise ReplayedPacket("packet was seen before, or is too old to tell")

    def update(self, index: int) -> None:
        step = index - self.highest
        if step > 0:
            self.seen = (self.seen << step | 1) & _WHOLE if step < _WINDOW else 1
            self.highest = index
        else:
            self.seen |= 1 << -step


class _Sources:
    """Windows by SSRC, bounded."""

    def __init__(self) -> None:
        self._windows: OrderedDict[int, _ReplayWindow] = OrderedDict()
        self.find = self._windows.get  #: the window of a source, None for one that was not heard
        self.last = -1  #: the source heard last

    def highest(self) -> dict[int, int]:
        """The highest index of each source."""
        return {ssrc: window.highest for ssrc, window in self._windows.items()}

    def keep(self, ssrc: int, window: _ReplayWindow) -> None:
        """After its first authentic packet, so that forgeries take no memory."""
        self.last = ssrc
        self._windows[ssrc] = window
        self._windows.move_to_end(ssrc)
        if len(self._windows) > _MAX_SOURCES:
            self._windows.popitem(last=False)


class SrtpContext:
    """One direction under one master key: ``protect`` what is sent with it, or ``unprotect`` what was.

    Use one context for each direction. A packet that is replayed, forged or malformed raises a RemoteProtocolError and
    changes nothing. Keys never appear in a repr.
    """

    def __init__(
        self,
        profile: str,
        key: bytes,
        salt: bytes,
        *,
        roll_over_counter: int = 0,
        mki: bytes = b"",
        before: SrtpContext | None = None,
        may_miss_wrap: bool = False,
    ) -> None:
        """Under a key that is used for the first time.

        ``mki``: master key identifier as octets, put into and expected in every packet. ``before``: the context that
        this one takes the place of when the peer has a new key; roll-over counters that went on are understood then.
        ``may_miss_wrap``: the sequence number may have wrapped before the first packet that arrives. Raises
        LocalProtocolError.
        """
        found = PROFILES.get(profile)
        if found is None or (len(key), len(salt)) != (found.key_length, found.salt_length):
            raise LocalProtocolError(
                f"SRTP profile {profile!r} is unknown, or the length of key or salt is not its own"
            )
        self.profile = found
        self._mki = mki
        transform = Gcm if found.aead else CounterMode
        self._rtp: Transform = transform(found, key, salt, rtcp=False)
        self._rtcp: Transform = transform(found, key, salt, rtcp=True)
        self._first_roll_over = roll_over_counter
        self._sent: OrderedDict[int, int] = OrderedDict()  #: highest index sent, by SSRC
        self._last_sent = -1  #: the source sent last
        self._sent_rtcp = 0  #: index of the next packet (section 3.4)
        self._received = _Sources()
        self._received_rtcp = _Sources()
        self._may_miss_wrap = may_miss_wrap
        #: Highest index received under the key before, by SSRC.
        self._before: dict[int, int] = {} if before is None else before._received.highest()

    @property
    def overhead(self) -> int:
        """Octets by which an RTP packet is longer when it is protected."""
        return self._rtp.tag_length + len(self._mki)

    def __repr__(self) -> str:
        return f"SrtpContext({self.profile.name!r})"

    # Steady flow: see ``rtp.stream.steady_flow``

    def steady_sending(self, ssrc: int) -> SteadyKeys | None:
        """What the next packets of a source are sealed with; ``None`` where each has to be given to ``protect``."""
        return self._steady(ssrc, self._sent.get(ssrc))

    def steady_receiving(self, ssrc: int) -> SteadyKeys | None:
        """What the next packets of a source are opened with; ``None`` where each has to be given to ``unprotect``."""
        window = self._received.find(ssrc)
        return self._steady(ssrc, None if window is None else window.highest)

    def _steady(self, ssrc: int, index: int | None) -> SteadyKeys | None:
        if index is None or self._mki or index > _MAX_STEADY_INDEX or not isinstance(self._rtp, CounterMode):
            return None
        return self._rtp.steady(ssrc, index)

    def resume_sending(self, ssrc: int, packets: int) -> None:
        """So many packets more were sealed, each on the one before."""
        self._sent[ssrc] += packets

    def resume_receiving(self, ssrc: int, packets: int) -> None:
        """So many packets more came and were authentic, each on the one before."""
        window = self._received.find(ssrc)
        if window is not None and packets:
            window.highest += packets
            window.seen = (window.seen << packets | (1 << packets) - 1) & _WHOLE if packets < _WINDOW else _WHOLE

    def continue_from(self, other: SrtpContext) -> None:
        """Take over what was counted under the same key, which has another tag length or identifier from now on."""
        self._sent, self._sent_rtcp = other._sent, other._sent_rtcp
        self._received, self._received_rtcp, self._before = other._received, other._received_rtcp, other._before

    def protect(self, packet: bytes) -> bytes:
        """SRTP of one RTP packet; raises LocalProtocolError when it is none."""
        size = 12 if len(packet) > 11 and packet[0] == _PLAIN else _header_length(packet, LocalProtocolError)
        sequence_number, ssrc = _NUMBERS.unpack_from(packet)
        before = self._sent.get(ssrc)
        if before is not None and 0 < (step := sequence_number - before & 0xFFFF) < 0x8000:
            highest = index = before + step  # as nearly always
        else:
            index = self._guess(sequence_number, before)
            highest = index if before is None else max(before, index)
        if not 0 <= index <= _MAX_RTP_INDEX:
            raise LocalProtocolError("the master key is used up")
        self._sent[ssrc] = highest
        if ssrc != self._last_sent:
            self._last_sent = ssrc
            self._sent.move_to_end(ssrc)
            if len(self._sent) > _MAX_SOURCES:
                self._sent.popitem(last=False)
        sealed = self._rtp.seal(packet, size, ssrc, index)
        return self._with_mki(sealed) if self._mki else sealed

    def unprotect(self, packet: bytes) -> bytes:
        """The RTP packet inside; raises MalformedPacket, ReplayedPacket or AuthenticationFailed."""
        size = 12 if len(packet) > 11 and packet[0] == _PLAIN else _header_length(packet, MalformedPacket)
        if len(packet) < size + self._rtp.tag_length + len(self._mki):
            raise MalformedPacket("SRTP packet is too short for its tag")
        if self._mki:
            packet = self._without_mki(packet)
        sequence_number, ssrc = _NUMBERS.unpack_from(packet)
        window = self._received.find(ssrc)
        if window is not None and 0 < (step := sequence_number - window.highest & 0xFFFF) < _WINDOW:
            index = window.highest + step  # as nearly always: newer than all before
            clear = self._rtp.open(packet, size, ssrc, index)
            window.highest, window.seen = index, (window.seen << step | 1) & _WHOLE
        elif window is not None:
            index = self._guess(sequence_number, window.highest)
            window.check(index)
            clear = self._rtp.open(packet, size, ssrc, index)
            window.update(index)
        else:
            window = _ReplayWindow()
            index, clear = self._open_first(packet, size, ssrc, sequence_number)
            window.update(index)
        if ssrc != self._received.last:
            self._received.keep(ssrc, window)
        return clear

    def _open_first(self, packet: bytes, size: int, ssrc: int, sequence_number: int) -> tuple[int, bytes]:
        """Index and packet of the first one of a source; the tag says which of the possible counters is right."""
        indexes = [self._guess(sequence_number, None)]
        if self._may_miss_wrap and sequence_number < 0x8000:
            # The packets up to a wrap may have been lost (RFC 4568 section 6.4).
            indexes.append(indexes[0] + 0x10000)
        if ssrc in self._before:
            # RFC 3711 section 3.3.1 lets the counter go on under a new key, RFC 4568 section 7.1.4 begins anew.
            indexes.append(self._guess(sequence_number, self._before[ssrc]))
        for index in indexes[:-1]:
            with suppress(AuthenticationFailed):
                return index, self._rtp.open(packet, size, ssrc, index)
        return indexes[-1], self._rtp.open(packet, size, ssrc, indexes[-1])

    def protect_rtcp(self, packet: bytes) -> bytes:
        """SRTCP of one RTCP datagram; raises LocalProtocolError when it is none."""
        if len(packet) < 8:
            raise LocalProtocolError("RTCP packet shorter than its header")
        if self._sent_rtcp > _MAX_RTCP_INDEX:
            raise LocalProtocolError("the master key is used up")
        index, self._sent_rtcp = self._sent_rtcp, self._sent_rtcp + 1
        return self.seal_rtcp(packet, index)

    def seal_rtcp(self, packet: bytes, index: int) -> bytes:
        """SRTCP under a given index; the caller sees to it that none is used twice."""
        trailer = struct.pack("!I", _ENCRYPTED | index)
        ssrc = int.from_bytes(packet[4:8], "big")
        sealed = self._rtcp.seal(packet, 8, ssrc, index, trailer)
        # The index word stands before MKI and HMAC tag, but after a GCM tag.
        body, tag = (sealed, b"") if self.profile.aead else (sealed[:-10], sealed[-10:])
        return body + trailer + self._mki + tag

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """The RTCP datagram inside; raises MalformedPacket, ReplayedPacket or AuthenticationFailed."""
        tag_size = 0 if self.profile.aead else self._rtcp.tag_length
        end = len(packet) - tag_size - len(self._mki) - 4
        if end < 8 or (self.profile.aead and end < 8 + self._rtcp.tag_length):
            raise MalformedPacket(f"SRTCP packet of {len(packet)} octets")
        trailer, tag = packet[end : end + 4], packet[len(packet) - tag_size :]
        word = int.from_bytes(trailer, "big")
        if not word & _ENCRYPTED or packet[end + 4 : end + 4 + len(self._mki)] != self._mki:
            raise AuthenticationFailed("SRTCP is not encrypted, or under another master key")
        index, ssrc = word & ~_ENCRYPTED, int.from_bytes(packet[4:8], "big")
        window = self._received_rtcp.find(ssrc) or _ReplayWindow()
        window.check(index)
        clear = self._rtcp.open(packet[:end] + tag, 8, ssrc, index, trailer)
        window.update(index)
        self._received_rtcp.keep(ssrc, window)
        return clear

    def _guess(self, sequence_number: int, highest: int | None) -> int:
        """The index of a packet from its 16 bits and the highest index so far (section 3.3.1)."""
        if highest is None:
            return self._first_roll_over << 16 | sequence_number
        roll_over, low = highest >> 16, highest & 0xFFFF
        if low < 0x8000:
            roll_over -= sequence_number - low > 0x8000
        else:
            roll_over += low - 0x8000 > sequence_number
        # Before the first wrap there is no earlier round.
        return max(roll_over, 0) << 16 | sequence_number

    def _with_mki(self, sealed: bytes) -> bytes:
        """The identifier before an HMAC tag, but after a GCM tag."""
        cut = len(sealed) - (0 if self.profile.aead else self._rtp.tag_length)
        return sealed[:cut] + self._mki + sealed[cut:]

    def _without_mki(self, packet: bytes) -> bytes:
        end = len(packet) - (0 if self.profile.aead else self._rtp.tag_length)
        start = end - len(self._mki)
        if packet[start:end] != self._mki:
            raise AuthenticationFailed("packet is under another master key")
        return packet[:start] + packet[end:]


def _header_length(packet: bytes, error: type[LocalProtocolError] | type[MalformedPacket]) -> int:
    """Octets that stay in the clear: fixed header, CSRC list and header extension."""
    if len(packet) < 12 or packet[0] >> 6 != 2:
        raise error("not an RTP packet")
    size = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        size += 4 + 4 * int.from_bytes(packet[size + 2 : size + 4], "big")
    if size > len(packet):
        raise error("RTP packet ends inside its header")
    return size
