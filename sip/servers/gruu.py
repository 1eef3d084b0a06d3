"""Names of one device of a user: instance identifiers and GRUUs, as Microsoft's clients and RFC 5627 have them."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

#: Namespace of the UUIDs that are made from an epid, in the byte order of a Windows GUID.
_NAMESPACE: Final = bytes.fromhex("03fbacfc738aef4691b1e5ebeeaba4fe")
_UUID: Final = re.compile(
    r"(?:urn:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE
)


def instance_of_epid(epid: str) -> str:
    """The instance UUID that a client derives from its epid ([MS-SIPRE] section 3.1.1.1; SHA-1 is its choice)."""
    digest = bytearray(hashlib.sha1(_NAMESPACE + epid.encode(), usedforsecurity=False).digest()[:16])
    digest[7] = digest[7] & 0x0F | 0x50  # version 5; bytes 6 and 7 are swapped in a GUID
    digest[8] = digest[8] & 0x3F | 0x80  # variant of RFC 4122
    text = _swapped(bytes(digest)).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def opaque_of_instance(instance: str) -> str | None:
    """The ``opaque`` of a user's GRUU for an instance, None when the instance is not a UUID."""
    match = _UUID.fullmatch(instance.strip("<>"))
    if match is None:
        return None
    guid = _swapped(bytes.fromhex(match[1].replace("-", "")))
    return "user:epid:" + base64.urlsafe_b64encode(guid + b"\0\0").decode()


def _swapped(raw: bytes) -> bytes:
    """Between the byte order of RFC 4122 and that of a GUID, either way."""
    return raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
