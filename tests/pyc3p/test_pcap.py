import io
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyc3p import Names, Record
from pyc3p.trace import packets
from pyc3p.trace.capture import from_packets, read_records
from pyc3p.trace.packets import Packet, checksum, dissect, strip_ethernet
from pyc3p.trace.pcap import CaptureError, read_packets
from pyc3p.trace.pcapng import PcapngWriter, write_pcapng

PHONE, MCU, FOCUS = ("192.0.2.1", 5060), ("192.0.2.2", 5070), ("192.0.2.3", 5080)

INVITE = (
    b"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"
    b"From: <sip:av@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n"
    b"Contact: <sip:192.0.2.2:5070>\r\nContent-Length: 0\r\n\r\n"
)
OK = b"SIP/2.0 200 OK\r\nCall-ID: c2\r\nCSeq: 1 INFO\r\nContent-Length: 4\r\n\r\nbody"
POST = b"POST /LiveServer/Focus HTTP/1.1\r\nHost: 192.0.2.3\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
RTP = struct.pack("!BBHII", 0x80, 0, 7, 160, 0x1234) + b"\xff" * 160


def record(at: float, layer: str, transport: str, source: tuple, destination: tuple, data: bytes) -> Record:
    return Record(at=at, layer=layer, transport=transport, source=source, destination=destination, data=data)


RECORDS = [
    record(0.0, "sip", "UDP", MCU, PHONE, INVITE),
    record(0.5, "http", "TCP", MCU, FOCUS, POST),
    record(0.75, "http", "TCP", FOCUS, MCU, ANSWER),
    record(1.0, "sip", "TCP", FOCUS, ("192.0.2.9", 40001), OK),
    record(1.25, "rtp", "UDP", ("192.0.2.2", 30000), ("192.0.2.1", 40000), RTP),
]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_pcapng(tmp_path / "a.pcapng", RECORDS, wall_clock=1_700_000_000.0)
    assert read_records(tmp_path / "a.pcapng") == RECORDS


HOSTS = st.sampled_from(["192.0.2.1", "192.0.2.2", "127.0.1.1"])
ENDS = st.tuples(HOSTS, st.integers(1, 65535))


@st.composite
def sip_record(draw: st.DrawFn) -> Record:
    source = draw(ENDS)
    destination = draw(ENDS.filter(lambda other: other != source))
    size = draw(st.integers(0, 200) | st.integers(60_000, 70_000))
    transport = draw(st.sampled_from(["TCP", "UDP"] if size < 60_000 else ["TCP"]))
    data = b"SIP/2.0 200 OK\r\nCall-ID: c\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    return record(draw(st.integers(0, 1000)) / 4, "sip", transport, source, destination, data)


@given(
    st.lists(sip_record(), min_size=1, max_size=8), st.lists(st.tuples(st.text("ab é", min_size=1), ENDS), max_size=5)
)
def test_whatever_is_written_is_read_again_with_its_names(records: list[Record], named: list) -> None:
    records.sort(key=lambda each: each.at)
    names, read = Names(), Names()
    for name, address in named:
        names.add(name, address)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.pcapng"
        assert write_pcapng(path, records, names=names) == 0
        found = read_records(path, read)
    start = records[0].at
    assert found == [attrs.evolve(each, at=each.at - start) for each in records]
    assert read.dump() == names.dump()


def test_addresses_of_ipv6_and_host_names_can_be_written(tmp_path: Path) -> None:
    records = [
        record(0.0, "sip", "UDP", ("2001:db8::1", 5060), ("2001:db8::2", 5060), INVITE),
        record(0.0, "sip", "TCP", ("2001:db8::1", 5060), ("phone.example.com", 5060), OK),
    ]
    write_pcapng(tmp_path / "a.pcapng", records)
    first, second = read_records(tmp_path / "a.pcapng")
    assert first == records[0]
    assert second.data == OK
    assert second.destination[0].startswith("::ffff:c6")


def test_headers_have_right_checksums(tmp_path: Path) -> None:
    write_pcapng(tmp_path / "a.pcapng", RECORDS[:1])
    written = (tmp_path / "a.pcapng").read_bytes()
    packet = strip_ethernet(written[written.index(b"\x08\x00\x45") - 12 :])
    assert packet is not None
    packet = packet[: int.from_bytes(packet[2:4])]  # behind it are the options of the block
    assert checksum(packet[:20]) == 0
    pseudo = packet[12:20] + struct.pack("!BBH", 0, 17, len(packet) - 20)
    assert checksum(pseudo, packet[20:]) == 0


def test_a_message_is_one_packet_however_long_it_is(tmp_path: Path) -> None:
    assert len(POST) > 1460
    write_pcapng(tmp_path / "a.pcapng", RECORDS)
    with (tmp_path / "a.pcapng").open("rb") as file:
        assert [packet.data for packet in read_packets(file)] == [each.data for each in RECORDS]


def test_the_names_of_the_elements_are_in_the_file(tmp_path: Path) -> None:
    names = Names(["nobody yet"])
    names.add("mcu", MCU, ("0.0.0.0", 7))
    with PcapngWriter(tmp_path / "a.pcapng", names=names) as writer:
        writer(RECORDS[0])
        names.add("a phone", PHONE, ("2001:db8::1", 5060))
        writer(RECORDS[1])
    read = Names()
    assert read_records(tmp_path / "a.pcapng", read) == RECORDS[:2]
    assert read.dump() == names.dump()
    names.add("later", ("192.0.2.9", 1))  # the file is finished, and nobody minds


def test_many_names_do_not_overflow_a_comment(tmp_path: Path) -> None:
    names = Names()
    for number in range(6000):
        names.add(f"element {number}", (f"host-{number}.example.com", 5060))
    write_pcapng(tmp_path / "a.pcapng", [], names=names)
    read = Names()
    assert read_records(tmp_path / "a.pcapng", read) == []
    assert read.dump() == names.dump()


def test_a_comment_of_somebody_else_names_nobody() -> None:
    comment = b"pyc3p names\nnot a line"
    option = struct.pack("<HH", 1, len(comment)) + comment + bytes(-len(comment) % 4) + bytes(4)
    header = block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    names = Names()
    assert list(read_packets(io.BytesIO(header + block("<", 4, bytes(4) + option)), names)) == []
    assert names.elements == ()


def test_a_file_that_ends_within_a_block_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write_pcapng(path, RECORDS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert read_records(path) == RECORDS[:-1]


def test_a_process_that_is_killed_leaves_its_signalling(tmp_path: Path) -> None:
    writer = PcapngWriter(tmp_path / "a.pcapng")
    for each in RECORDS[:4]:
        writer(each)
    assert read_records(tmp_path / "a.pcapng") == RECORDS[:4]  # nobody has closed it
    writer.close()


def test_a_connection_that_was_forgotten_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyc3p.trace.pcapng.MAX_CONNECTIONS", 1)
    again = [RECORDS[1], RECORDS[3], attrs.evolve(RECORDS[1], at=2.0), attrs.evolve(RECORDS[3], at=3.0)]
    write_pcapng(tmp_path / "a.pcapng", again)
    assert [each.data for each in read_records(tmp_path / "a.pcapng")] == [each.data for each in again]


def test_a_full_file_keeps_room_for_signalling(tmp_path: Path) -> None:
    with PcapngWriter(tmp_path / "a.pcapng", limit=5000) as writer:
        for _ in range(100):
            writer(RECORDS[4])
        media_dropped = writer.dropped
        writer(RECORDS[0])
        assert media_dropped > 0
        assert writer.dropped == media_dropped
    assert read_records(tmp_path / "a.pcapng")[-1].layer == "sip"
    assert (tmp_path / "a.pcapng").stat().st_size < 5000 + 600


def test_segments_out_of_order_and_twice_make_the_same_message() -> None:
    def segment(sequence: int, data: bytes) -> Packet:
        return Packet(at=0.0, transport="TCP", source=MCU, destination=FOCUS, data=data, sequence=sequence)

    start, middle, end = OK[:20], OK[20:50], OK[50:]
    order = [segment(100, start), segment(150, end), segment(100, start), segment(120, middle), segment(120, middle)]
    assert [found.data for found in from_packets(order)] == [OK]


def test_chunked_http_and_keepalives_are_framed() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    packet = Packet(at=0.0, transport="TCP", source=MCU, destination=FOCUS, data=b"\r\n\r\n" + chunked + OK, sequence=1)
    assert [(found.layer, found.data) for found in from_packets([packet])] == [("http", chunked), ("sip", OK)]


def test_datagrams_that_are_no_signalling_and_no_media_are_left_out() -> None:
    strangers = [Packet(at=0.0, transport="UDP", source=MCU, destination=PHONE, data=data) for data in (b"", b"\0\1")]
    assert list(from_packets(strangers)) == []


@pytest.mark.parametrize("data", [b"", b"ab", b"nothing of a capture", b"\xd4\xc3\xb2\xa1\x02", b"\x0a\x0d\x0d\x0a\0"])
def test_a_damaged_capture_is_refused(data: bytes) -> None:
    with pytest.raises(CaptureError):
        list(read_packets(io.BytesIO(data)))


def test_a_text_that_is_no_trace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello\n")
    with pytest.raises(CaptureError):
        read_records(tmp_path / "a.txt")


@pytest.mark.parametrize("order", "<>")
def test_pcapng_is_read(order: str) -> None:
    frame = packets.udp(MCU, PHONE, INVITE, identification=1)
    header = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    resolution = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)  # nanoseconds
    interface = block(order, 1, struct.pack(order + "HHI", 1, 0, 65535) + resolution)
    ticks = 1_500_000_000
    packet = block(order, 6, struct.pack(order + "IIIII", 0, 0, ticks, len(frame), len(frame)) + frame)
    simple = block(order, 3, struct.pack(order + "I", len(frame)) + frame)
    first, second = read_packets(io.BytesIO(header + interface + packet + simple))
    assert (first.at, first.data, first.source) == (pytest.approx(1.5), INVITE, MCU)
    assert second.data == INVITE


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def test_broken_packets_are_nothing() -> None:
    for packet in (b"", b"\x45", b"\x45" + bytes(19), b"\x60" + bytes(50), b"\x10" * 40):
        assert dissect(0.0, packet) is None
    assert strip_ethernet(b"\0" * 12 + b"\x08\x06" + b"\0" * 28) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_stops_the_capture_and_nothing_else() -> None:
    with PcapngWriter(Path("/dev/full")) as writer:
        for number in range(200):
            writer(record(float(number), "sip", "UDP", ("192.0.2.1", 1), ("192.0.2.2", 2), bytes(1000)))
    assert writer.failed is not None
    assert writer.dropped > 0
