"""SRTP and SRTCP (RFC 3711, AES-GCM as in RFC 7714, AES-256 as in RFC 6188)."""

from __future__ import annotations

import hmac
import struct
from collections import OrderedDict
from contextlib import suppress
from typing import Final, Protocol

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from rtp.errors import AuthenticationFailed, LocalProtocolError, MalformedPacket, ReplayedPacket
from rtp.srtp.profile import PROFILES, SrtpProfile

_WINDOW: Final = 128  #: packets that may be reordered; 64 is the least that RFC 3711 section 3.3.2 allows
_MAX_SOURCES: Final = 64  #: SSRCs with state of their own; the one longest unheard makes room
_MAX_RTCP_INDEX: Final = 2**31 - 1  #: after it a master key is used up (section 9.2)
_MAX_RTP_INDEX: Final = 2**48 - 1
_ENCRYPTED: Final = 1 << 31  #: the E bit of SRTCP


class _Transform(Protocol):
    """Encryption and authentication of one direction of one protocol."""

    tag_length: int

    def seal(self, header: bytes, payload: bytes, ssrc: int, index: int, trailer: bytes) -> bytes: ...

    def open(self, header: bytes, sealed: bytes, ssrc: int, index: int, trailer: bytes) -> bytes: ...


def aes_ctr(key: bytes, counter: int, data: bytes) -> bytes:
    """AES in counter mode from a 128-bit counter block."""
    encryptor = Cipher(AES(key), CTR(counter.to_bytes(16, "big"))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """One session key (section 4.3.1, key derivation rate 0); a 12-octet salt is padded on the right."""
    salt = int.from_bytes(master_salt.ljust(14, b"\0"), "big")
    return aes_ctr(master_key, (salt ^ label << 48) << 16, bytes(length))


class _CounterMode:
    """AES-CM with HMAC-SHA1 (sections 4.1.1 and 4.2.1)."""

    def __init__(self, profile: SrtpProfile, master_key: bytes, master_salt: bytes, *, rtcp: bool) -> None:
        first = 3 if rtcp else 0
        self.tag_length = profile.rtcp_tag_length if rtcp else profile.tag_length
        self._key = derive(master_key, master_salt, first, profile.key_length)
        self._auth = hmac.new(derive(master_key, master_salt, first + 1, 20), digestmod="sha1")
        self._salt = int.from_bytes(derive(master_key, master_salt, first + 2, 14), "big") << 16

    def _crypt(self, payload: bytes, ssrc: int, index: int) -> bytes:
        return aes_ctr(self._key, self._salt ^ ssrc << 64 ^ index << 16, payload)

    def _tag(self, header: bytes, sealed: bytes, trailer: bytes) -> bytes:
        mac = self._auth.copy()
        mac.update(header + sealed + trailer)
        return mac.digest()[: self.tag_length]

    def seal(self, header: bytes, payload: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        sealed = self._crypt(payload, ssrc, index)
        return sealed + self._tag(header, sealed, trailer)

    def open(self, header: bytes, sealed: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        body, tag = sealed[: -self.tag_length], sealed[-self.tag_length :]
        if not hmac.compare_digest(tag, self._tag(header, body, trailer)):
            raise AuthenticationFailed("authentication tag does not fit")
        return self._crypt(body, ssrc, index)


class _Gcm:
    """AES-GCM (RFC 7714 sections 8 and 9)."""

    def __init__(self, profile: SrtpProfile, master_key: bytes, master_salt: bytes, *, rtcp: bool) -> None:
        first = 3 if rtcp else 0
        self.tag_length = profile.tag_length
        self._aead = AESGCM(derive(master_key, master_salt, first, profile.key_length))
        self._salt = int.from_bytes(derive(master_key, master_salt, first + 2, 12), "big")
        self._rtcp = rtcp

    def _nonce(self, ssrc: int, index: int) -> bytes:
        # Both forms are 00 00, the SSRC and 48 bits of index; that of RTCP begins with 17 zero bits.
        return (self._salt ^ ssrc << 48 ^ index).to_bytes(12, "big")

    def seal(self, header: bytes, payload: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        return self._aead.encrypt(self._nonce(ssrc, index), payload, self._associated(header, trailer))

    def open(self, header: bytes, sealed: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        try:
            return self._aead.decrypt(self._nonce(ssrc, index), sealed, self._associated(header, trailer))
        except InvalidTag:
            raise AuthenticationFailed("authentication tag does not fit") from None

    def _associated(self, header: bytes, trailer: bytes) -> bytes:
        # The roll-over counter is in the nonce; only the SRTCP index word is authenticated as data.
        return header + trailer if self._rtcp else header


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
            self.seen = (self.seen << min(step, _WINDOW) | 1) & (1 << _WINDOW) - 1
            self.highest = index
        else:
            self.seen |= 1 << -step


class _Sources:
    """Windows by SSRC, bounded."""

    def __init__(self) -> None:
        self._windows: OrderedDict[int, _ReplayWindow] = OrderedDict()

    def find(self, ssrc: int) -> _ReplayWindow:
        """The window of that source; not kept until ``keep``, so that forgeries take no memory."""
        return self._windows.get(ssrc) or _ReplayWindow()

    def highest(self) -> dict[int, int]:
        """The highest index of each source."""
        return {ssrc: window.highest for ssrc, window in self._windows.items()}

    def keep(self, ssrc: int, window: _ReplayWindow) -> None:
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
        transform = _Gcm if found.aead else _CounterMode
        self._rtp: _Transform = transform(found, key, salt, rtcp=False)
        self._rtcp: _Transform = transform(found, key, salt, rtcp=True)
        self._first_roll_over = roll_over_counter
        self._sent: OrderedDict[int, int] = OrderedDict()  #: highest index sent, by SSRC
        self._sent_rtcp = 0  #: index of the next packet (section 3.4)
        self._received = _Sources()
        self._received_rtcp = _Sources()
        self._may_miss_wrap = may_miss_wrap
        #: Highest index received under the key before, by SSRC.
        self._before: dict[int, int] = {} if before is None else before._received.highest()

    def __repr__(self) -> str:
        return f"SrtpContext({self.profile.name!r})"

    def continue_from(self, other: SrtpContext) -> None:
        """Take over what was counted under the same key, which has another tag length or identifier from now on."""
        self._sent, self._sent_rtcp = other._sent, other._sent_rtcp
        self._received, self._received_rtcp, self._before = other._received, other._received_rtcp, other._before

    def protect(self, packet: bytes) -> bytes:
        """SRTP of one RTP packet; raises LocalProtocolError when it is none."""
        size = _header_length(packet, LocalProtocolError)
        sequence_number, ssrc = _numbers(packet)
        before = self._sent.get(ssrc)
        index = self._guess(sequence_number, before)
        if not 0 <= index <= _MAX_RTP_INDEX:
            raise LocalProtocolError("the master key is used up")
        self._sent[ssrc] = index if before is None else max(before, index)
        self._sent.move_to_end(ssrc)
        if len(self._sent) > _MAX_SOURCES:
            self._sent.popitem(last=False)
        header = packet[:size]
        sealed = self._rtp.seal(header, packet[size:], ssrc, index, (index >> 16).to_bytes(4, "big"))
        return header + self._with_mki(sealed, self._rtp)

    def unprotect(self, packet: bytes) -> bytes:
        """The RTP packet inside; raises MalformedPacket, ReplayedPacket or AuthenticationFailed."""
        size = _header_length(packet, MalformedPacket)
        sealed = self._without_mki(packet[size:], self._rtp)
        sequence_number, ssrc = _numbers(packet)
        window = self._received.find(ssrc)
        header = packet[:size]
        if window.highest >= 0:
            index = self._guess(sequence_number, window.highest)
            window.check(index)
            payload = self._rtp.open(header, sealed, ssrc, index, (index >> 16).to_bytes(4, "big"))
        else:
            index, payload = self._open_first(header, sealed, ssrc, sequence_number)
        window.update(index)
        self._received.keep(ssrc, window)
        return header + payload

    def _open_first(self, header: bytes, sealed: bytes, ssrc: int, sequence_number: int) -> tuple[int, bytes]:
        """Index and payload of the first packet of a source; the tag says which of the possible counters is right."""
        indexes = [self._guess(sequence_number, None)]
        if self._may_miss_wrap and sequence_number < 0x8000:
            # The packets up to a wrap may have been lost (RFC 4568 section 6.4).
            indexes.append(indexes[0] + 0x10000)
        if ssrc in self._before:
            # RFC 3711 section 3.3.1 lets the counter go on under a new key, RFC 4568 section 7.1.4 begins anew.
            indexes.append(self._guess(sequence_number, self._before[ssrc]))
        for index in indexes[:-1]:
            with suppress(AuthenticationFailed):
                return index, self._rtp.open(header, sealed, ssrc, index, (index >> 16).to_bytes(4, "big"))
        index = indexes[-1]
        return index, self._rtp.open(header, sealed, ssrc, index, (index >> 16).to_bytes(4, "big"))

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
        sealed = self._rtcp.seal(packet[:8], packet[8:], ssrc, index, trailer)
        # The index word stands before MKI and HMAC tag, but after a GCM tag.
        body, tag = (sealed, b"") if self.profile.aead else (sealed[:-10], sealed[-10:])
        return packet[:8] + body + trailer + self._mki + tag

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
        window = self._received_rtcp.find(ssrc)
        window.check(index)
        payload = self._rtcp.open(packet[:8], packet[8:end] + tag, ssrc, index, trailer)
        window.update(index)
        self._received_rtcp.keep(ssrc, window)
        return packet[:8] + payload

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

    def _with_mki(self, sealed: bytes, transform: _Transform) -> bytes:
        if not self._mki:
            return sealed
        if self.profile.aead:
            return sealed + self._mki
        cut = len(sealed) - transform.tag_length
        return sealed[:cut] + self._mki + sealed[cut:]

    def _without_mki(self, sealed: bytes, transform: _Transform) -> bytes:
        tag = 0 if self.profile.aead else transform.tag_length
        end = len(sealed) - tag
        start = end - len(self._mki)
        if len(sealed) < transform.tag_length + len(self._mki):
            raise MalformedPacket("SRTP packet is too short for its tag")
        if sealed[start:end] != self._mki:
            raise AuthenticationFailed("packet is under another master key")
        return sealed[:start] + sealed[end:]


def _numbers(packet: bytes) -> tuple[int, int]:
    return int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[8:12], "big")


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
