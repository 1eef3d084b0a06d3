"""Encryption and authentication of SRTP and SRTCP packets (RFC 3711 section 4, RFC 7714, RFC 6188).

A packet costs little more than its cipher and its hash: contexts of both are kept under their session keys, the cipher
gets a new counter and the hash a copy of its state. Two indices of one source differ in a few bits of the counter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from hmac import compare_digest
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB

from rtp.errors import AuthenticationFailed
from rtp.srtp.profile import SrtpProfile
from rtp.srtp.steady_keys import SteadyKeys

_BLOCK: Final = 64  #: octets of a block of SHA-1
_INNER: Final = bytes(value ^ 0x36 for value in range(256))  #: ipad of RFC 2104, as a table for `bytes.translate`
_OUTER: Final = bytes(value ^ 0x5C for value in range(256))  #: opad


class Transform(Protocol):
    """What one direction of one protocol does to packets. The first ``size`` octets stay in the clear.

    ``trailer``: the index word of SRTCP, which is authenticated with the packet.
    """

    tag_length: int

    def seal(self, packet: bytes, size: int, ssrc: int, index: int, trailer: bytes = b"") -> bytes:
        """The packet encrypted, its tag behind it."""
        ...

    def open(self, packet: bytes, size: int, ssrc: int, index: int, trailer: bytes = b"") -> bytes:
        """The packet in the clear, without tag. Raises AuthenticationFailed."""
        ...


def aes_ctr(key: bytes, counter: int, data: bytes) -> bytes:
    """AES in counter mode from a 128-bit counter block."""
    encryptor = Cipher(AES(key), CTR(counter.to_bytes(16, "big"))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """One session key (section 4.3.1, key derivation rate 0); a 12-octet salt is padded on the right."""
    salt = int.from_bytes(master_salt.ljust(14, b"\0"), "big")
    return aes_ctr(master_key, (salt ^ label << 48) << 16, bytes(length))


def _hmac(inner: Any, outer: Any) -> Callable[[bytes], bytes]:
    """HMAC with the states after its two keys."""
    inner_copy, outer_copy = inner.copy, outer.copy

    def digest(authenticated: bytes) -> bytes:
        first, second = inner_copy(), outer_copy()
        first.update(authenticated)
        second.update(first.digest())
        result: bytes = second.digest()
        return result

    return digest


class CounterMode:
    """AES-CM with HMAC-SHA1 (sections 4.1.1 and 4.2.1)."""

    def __init__(self, profile: SrtpProfile, master_key: bytes, master_salt: bytes, *, rtcp: bool) -> None:
        first = 3 if rtcp else 0
        self.tag_length = profile.rtcp_tag_length if rtcp else profile.tag_length
        key = derive(master_key, master_salt, first, profile.key_length)
        self._key = key
        cipher = Cipher(AES(key), CTR(bytes(16))).encryptor()
        self._reset, self._crypt = cipher.reset_nonce, cipher.update
        # HMAC by hand (RFC 2104): the states after its two keys are copied for each packet.
        auth = derive(master_key, master_salt, first + 1, 20).ljust(_BLOCK, b"\0")
        self._hash = _hmac(hashlib.sha1(auth.translate(_INNER)), hashlib.sha1(auth.translate(_OUTER)))
        self._salt = int.from_bytes(derive(master_key, master_salt, first + 2, 14), "big") << 16
        self._ssrc, self._start = 0, self._salt  #: the last source, and its counter block at index 0

    def steady(self, ssrc: int, index: int) -> SteadyKeys:
        """What packets of one source are sealed and opened with after that one."""
        blocks = Cipher(AES(self._key), ECB()).encryptor().update  # ECB is AES of each block by itself
        start = self._salt ^ ssrc << 64
        return SteadyKeys(blocks=blocks, hash=self._hash, tag_length=self.tag_length, start=start, index=index)

    def _counter(self, ssrc: int, index: int) -> bytes:
        """The counter block that the key stream of one packet begins with."""
        if ssrc != self._ssrc:
            self._ssrc, self._start = ssrc, self._salt ^ ssrc << 64
        return (self._start ^ index << 16).to_bytes(16, "big")

    def _tag(self, authenticated: bytes) -> bytes:
        """Over the packet and its roll-over counter, or the index word of SRTCP."""
        return self._hash(authenticated)[: self.tag_length]

    def seal(self, packet: bytes, size: int, ssrc: int, index: int, trailer: bytes = b"") -> bytes:
        """As `Transform.seal`."""
        self._reset(self._counter(ssrc, index))
        sealed = packet[:size] + self._crypt(packet[size:])
        return sealed + self._tag(sealed + (trailer or (index >> 16).to_bytes(4, "big")))

    def open(self, packet: bytes, size: int, ssrc: int, index: int, trailer: bytes = b"") -> bytes:
        """As `Transform.open`. Raises AuthenticationFailed."""
        end = len(packet) - self.tag_length
        authenticated = packet[:end] + (trailer or (index >> 16).to_bytes(4, "big"))
        if not compare_digest(packet[end:], self._tag(authenticated)):
            raise AuthenticationFailed("authentication tag does not fit")
        self._reset(self._counter(ssrc, index))
        return packet[:size] + self._crypt(packet[size:end])


class Gcm:
    """AES-GCM (RFC 7714 sections 8 and 9)."""

    def __init__(self, profile: SrtpProfile, master_key: bytes, master_salt: bytes, *, rtcp: bool) -> None:
        first = 3 if rtcp else 0
        self.tag_length = profile.tag_length
        aead = AESGCM(derive(master_key, master_salt, first, profile.key_length))
        self._encrypt, self._decrypt = aead.encrypt, aead.decrypt
        self._salt = int.from_bytes(derive(master_key, master_salt, first + 2, 12), "big")
        self._ssrc, self._start = 0, self._salt  #: the last source, and its nonce at index 0

    def _nonce(self, ssrc: int, index: int) -> bytes:
        """00 00, the SSRC and 48 bits of index, in SRTCP beginning with 17 zero bits, with the salt."""
        if ssrc != self._ssrc:
            self._ssrc, self._start = ssrc, self._salt ^ ssrc << 48
        return (self._start ^ index).to_bytes(12, "big")

    # The roll-over counter is in the nonce, and not authenticated as data.

    def seal(self, packet: bytes, size: int, ssrc: int, index: int, trailer: bytes = b"") -> bytes:
        """As `Transform.seal`."""
        header = packet[:size]
        return header + self._encrypt(self._nonce(ssrc, index), packet[size:], header + trailer)

    def open(self, packet: bytes, size: int, ssrc: int, index: int, trailer: bytes = b"") -> bytes:
        """As `Transform.open`. Raises AuthenticationFailed."""
        header = packet[:size]
        try:
            return header + self._decrypt(self._nonce(ssrc, index), packet[size:], header + trailer)
        except InvalidTag:
            raise AuthenticationFailed("authentication tag does not fit") from None
