"""Ethernet, IP, UDP and TCP headers, built and taken apart: what a capture file holds around the bytes of a record.

RFC 791, RFC 8200, RFC 768, RFC 9293; the link layer is Ethernet with locally administered addresses.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from typing import Final

import attrs

from pyc3p.trace.trace import Address

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_IPV6: Final = 0x86DD
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
#: The largest datagram that fits one IP packet; longer data is cut for the capture only.
MAX_UDP_PAYLOAD: Final = 65_507
#: As much of a TCP stream as one IP packet holds, as a card is given it that cuts itself: one packet a message.
SEGMENT: Final = 65_000
#: Behind a name that is no address (simulations use host names): RFC 2544 benchmarking space.
_SYNTHETIC: Final = int(ipaddress.IPv4Address("198.18.0.0"))


def ip_of(host: str) -> IP:
    """The address of a host; a name gets a stable address of its own from 198.18.0.0/15."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        digest = 0
        for octet in host.encode():
            digest = (digest * 31 + octet) % 0x1FFFD
        return ipaddress.IPv4Address(_SYNTHETIC + 1 + digest)


def checksum(*parts: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data = b"".join(parts)
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def udp(source: Address, destination: Address, data: bytes, *, identification: int) -> bytes:
    """One Ethernet frame with a UDP datagram."""
    data = data[:MAX_UDP_PAYLOAD]
    here, there = _pair(source, destination)
    header = struct.pack("!HHHH", source[1], destination[1], 8 + len(data), 0)
    check = checksum(_pseudo_header(here, there, PROTOCOL_UDP, 8 + len(data)), header, data) or 0xFFFF
    return frame(here, there, PROTOCOL_UDP, header[:6] + struct.pack("!H", check) + data, identification)


def tcp(
    source: Address,
    destination: Address,
    data: bytes,
    *,
    sequence: int,
    acknowledged: int,
    flags: int,
    identification: int,
) -> bytes:
    """One Ethernet frame with a TCP segment."""
    here, there = _pair(source, destination)
    fields = (source[1], destination[1], sequence, acknowledged, 5 << 12 | flags, 65_535)
    blank = struct.pack("!HHIIHHHH", *fields, 0, 0)
    check = checksum(_pseudo_header(here, there, PROTOCOL_TCP, len(blank) + len(data)), blank, data)
    header = struct.pack("!HHIIHHHH", *fields, check, 0)
    return frame(here, there, PROTOCOL_TCP, header + data, identification)


def frame(here: IP, there: IP, protocol: int, payload: bytes, identification: int) -> bytes:
    """IP and Ethernet around a transport payload."""
    if here.version == 4:
        fields = (0x45, 0, 20 + len(payload), identification & 0xFFFF, 0x4000, 64, protocol)
        blank = struct.pack("!BBHHHBBH", *fields, 0) + here.packed + there.packed
        packet = struct.pack("!BBHHHBBH", *fields, checksum(blank)) + here.packed + there.packed + payload
        kind = ETHERTYPE_IPV4
    else:
        packet = struct.pack("!IHBB", 0x6000_0000, len(payload), protocol, 64) + here.packed + there.packed + payload
        kind = ETHERTYPE_IPV6
    return _mac(there) + _mac(here) + struct.pack("!H", kind) + packet


def _pair(source: Address, destination: Address) -> tuple[IP, IP]:
    here, there = ip_of(source[0]), ip_of(destination[0])
    if here.version != there.version:
        here, there = _as_v6(here), _as_v6(there)
    return here, there


def _as_v6(address: IP) -> ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv6Address):
        return address
    return ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def _mac(address: IP) -> bytes:
    return b"\x02\x00" + address.packed[-4:]


def _pseudo_header(here: IP, there: IP, protocol: int, length: int) -> bytes:
    if here.version == 4:
        return here.packed + there.packed + struct.pack("!BBH", 0, protocol, length)
    return here.packed + there.packed + struct.pack("!IHBB", length, 0, 0, protocol)


@attrs.frozen(kw_only=True, slots=True)
class Packet:
    """A UDP datagram or TCP segment taken out of a capture."""

    at: float  #: seconds, as in the capture
    transport: str  #: "UDP" or "TCP"
    source: Address
    destination: Address
    data: bytes
    sequence: int = 0  #: TCP only
    flags: int = 0  #: TCP only


def dissect(at: float, packet: bytes) -> Packet | None:
    """The datagram or segment in an IP packet; None for anything else, for fragments and for what is cut short."""
    try:
        version = packet[0] >> 4
        if version == 4:
            return _dissect_v4(at, packet)
        return _dissect_v6(at, packet) if version == 6 else None
    except (IndexError, struct.error):
        return None


def _dissect_v4(at: float, packet: bytes) -> Packet | None:
    length, fragment = struct.unpack_from("!H2xH", packet, 2)
    if fragment & 0x3FFF:  # more fragments, or an offset
        return None
    header = (packet[0] & 0x0F) * 4
    hosts = _text(packet[12:16]), _text(packet[16:20])
    # A length of 0 is what a capture on the sending host shows when the card does the segmentation.
    return _dissect_transport(at, packet[9], hosts, packet[header : length or None])


def _dissect_v6(at: float, packet: bytes) -> Packet | None:
    length, protocol = struct.unpack_from("!HB", packet, 4)
    hosts = _text(packet[8:24]), _text(packet[24:40])
    offset = 40
    while protocol in (0, 43, 60):  # hop-by-hop, routing and destination options
        protocol, size = packet[offset], packet[offset + 1]
        offset += (size + 1) * 8
    return _dissect_transport(at, protocol, hosts, packet[offset : 40 + length if length else None])


def _dissect_transport(at: float, protocol: int, hosts: tuple[str, str], payload: bytes) -> Packet | None:
    if protocol not in (PROTOCOL_TCP, PROTOCOL_UDP):
        return None
    ports = struct.unpack_from("!HH", payload)
    source, destination = (hosts[0], ports[0]), (hosts[1], ports[1])
    if protocol == PROTOCOL_UDP:
        return Packet(at=at, transport="UDP", source=source, destination=destination, data=payload[8:])
    sequence, offset, flags = struct.unpack_from("!I4xBB", payload, 4)
    return Packet(
        at=at,
        transport="TCP",
        source=source,
        destination=destination,
        data=payload[(offset >> 4) * 4 :],
        sequence=sequence,
        flags=flags,
    )


def _text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))


def strip_ethernet(frame_bytes: bytes) -> bytes | None:
    """The IP packet in an Ethernet frame (VLAN tags skipped), None when it holds none."""
    offset = 12
    while len(frame_bytes) >= offset + 2:
        (kind,) = struct.unpack_from("!H", frame_bytes, offset)
        offset += 2
        if kind in (ETHERTYPE_IPV4, ETHERTYPE_IPV6):
            return frame_bytes[offset:]
        if kind not in (0x8100, 0x88A8):
            return None
        offset += 2
    return None


def segments(data: bytes) -> Iterable[bytes]:
    """``data`` in pieces of one segment."""
    return (data[start : start + SEGMENT] for start in range(0, len(data), SEGMENT))
