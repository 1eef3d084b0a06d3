"""Keys in SDP: the ``a=crypto`` attribute (RFC 4568 sections 4, 6.1, 9; RFC 7714 section 14.2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from rtp.errors import LocalProtocolError, MalformedSdp
from rtp.srtp.profile import PROFILES, SrtpProfile

_MAX_LIFETIME: Final = 2**48  #: packets under one master key (RFC 3711 section 9.2)
_KEYS_PER_LINE: Final = 16  #: several keys serve only MKI re-keying; more is no honest offer
#: Parameters that we can do without; all others change how packets look, and the line is passed over.
_HARMLESS: Final = frozenset({"WSH"})


@attrs.frozen
class InlineKey:
    """Master key and salt with how long and under which identifier they are used."""

    key_and_salt: bytes = attrs.field(repr=False)
    lifetime: int | None = None  #: packets
    mki: int | None = None  #: master key identifier; its length on the wire is the next field
    mki_length: int = 0  #: octets

    @classmethod
    def parse(cls, text: str) -> InlineKey:
        """Read one; raises MalformedSdp."""
        method, _, info = text.partition(":")
        if method.lower() != "inline":
            raise MalformedSdp("crypto: key method is not inline")
        encoded, *parts = info.split("|")
        key = cls(_decode(encoded))
        for part in parts:
            key = key._with_part(part)
        return key

    def _with_part(self, part: str) -> InlineKey:
        if ":" in part:
            value, _, length = part.partition(":")
            number, octets = _decimal(value), _decimal(length)
            if not 1 <= octets <= 128 or number >= 1 << (8 * octets):
                raise MalformedSdp("crypto: MKI does not fit its length")
            return attrs.evolve(self, mki=number, mki_length=octets)
        lifetime = 1 << min(_decimal(part[2:]), 64) if part.startswith("2^") else _decimal(part)
        if not 0 < lifetime <= _MAX_LIFETIME:
            raise MalformedSdp("crypto: lifetime is not 1 to 2^48 packets")
        return attrs.evolve(self, lifetime=lifetime)

    def __str__(self) -> str:
        parts = ["inline:" + base64.b64encode(self.key_and_salt).decode()]
        if self.lifetime is not None:
            power = self.lifetime.bit_length() - 1
            parts.append(f"2^{power}" if self.lifetime == 1 << power else str(self.lifetime))
        if self.mki is not None:
            parts.append(f"{self.mki}:{self.mki_length}")
        return "|".join(parts)


def _decode(text: str) -> bytes:
    try:
        # Some clients leave the padding out.
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedSdp("crypto: key is not base64") from None


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 40:
        raise MalformedSdp("crypto: not a decimal number")
    return int(text)


@attrs.frozen
class Crypto:
    """One ``a=crypto`` line."""

    tag: int
    suite: str
    keys: tuple[InlineKey, ...]
    session_parameters: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: str) -> Crypto:
        """Parse the attribute value; raises MalformedSdp, whose text never holds the key."""
        fields = value.split()
        if len(fields) < 3 or len(fields[0]) > 9:
            raise MalformedSdp("crypto: not '<tag> <suite> <key>'")
        keys = [item for item in fields[2].split(";") if item]
        if not 1 <= len(keys) <= _KEYS_PER_LINE:
            raise MalformedSdp("crypto: no key, or too many")
        # Suites are literals of the grammar, whose case does not matter (RFC 4568 section 9.1, RFC 5234 section 2.3).
        suite = fields[1].upper() if fields[1].upper() in PROFILES else fields[1]
        return cls(_decimal(fields[0]), suite, tuple(InlineKey.parse(item) for item in keys), tuple(fields[3:]))

    @classmethod
    def fresh(cls, tag: int, suite: str, octets: Callable[[int], bytes]) -> Crypto:
        """A line with a key of its own; ``octets`` gives so many random ones. Raises LocalProtocolError."""
        profile = PROFILES.get(suite)
        if profile is None:
            raise LocalProtocolError(f"crypto suite {suite} is unknown")
        return cls(tag, suite, (InlineKey(octets(profile.key_and_salt_length)),))

    def with_fresh_key(self, octets: Callable[[int], bytes]) -> Crypto:
        """The same line with another key. Raises LocalProtocolError."""
        (key,) = Crypto.fresh(self.tag, self.suite, octets).keys
        return attrs.evolve(self, keys=(attrs.evolve(self.keys[0], key_and_salt=key.key_and_salt),))

    @property
    def profile(self) -> SrtpProfile | None:
        """How to use it; None when the suite is unknown or the key has the wrong length."""
        profile = PROFILES.get(self.suite)
        if profile is None or any(len(key.key_and_salt) != profile.key_and_salt_length for key in self.keys):
            return None
        return profile

    @property
    def usable(self) -> bool:
        """Suite and parameters are such that we can do what the line asks (RFC 4568 section 6.3.7)."""
        return self.profile is not None and all(
            item.startswith("-") or item.partition("=")[0] in _HARMLESS for item in self.session_parameters
        )

    def master(self) -> tuple[bytes, bytes]:
        """Master key and master salt of the first key; raises LocalProtocolError when the suite is unusable."""
        if self.profile is None:
            raise LocalProtocolError(f"crypto suite {self.suite} is unknown or its key has the wrong length")
        material = self.keys[0].key_and_salt
        return material[: self.profile.key_length], material[self.profile.key_length :]

    def __str__(self) -> str:
        return " ".join([str(self.tag), self.suite, ";".join(map(str, self.keys)), *self.session_parameters])


def parse_crypto_lines(lines: Iterable[str]) -> tuple[Crypto, ...]:
    """The lines that can be used, those without MKI first; broken ones are passed over (RFC 4568 section 7.1.2)."""
    found = []
    for value in lines:
        try:
            crypto = Crypto.parse(value)
        except MalformedSdp:
            continue
        if crypto.usable:
            found.append(crypto)
    return tuple(sorted(found, key=lambda crypto: crypto.keys[0].mki is not None))
