"""Output goes to terminals that cannot show it, and to readers that go away."""

import contextlib
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyc3p import Record
from pyc3p.commands.streams import STAND_IN, Sink, prepare
from pyc3p.commands.terminal import shown
from pyc3p.trace.pcapng import write_pcapng

OPTIONS = (
    b"OPTIONS sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"
    b"From: <sip:ann@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def capture(path: Path, messages: int = 1) -> Path:
    ends = {"source": ("192.0.2.1", 5060), "destination": ("192.0.2.2", 5060)}
    write_pcapng(
        path, [Record(at=float(n), layer="sip", transport="UDP", data=OPTIONS, **ends) for n in range(messages)]
    )
    return path


def run(
    *arguments: object, encoding: str = "utf-8", stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pyc3p", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        timeout=60,
        check=False,
    )


@contextlib.contextmanager
def nobody_reads() -> object:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@given(st.text(max_size=60), st.sampled_from(["ascii", "cp1252", "latin-1", "koi8-r", "shift_jis"]))
def test_any_text_can_be_written_in_any_encoding_and_keeps_its_width(text: str, encoding: str) -> None:
    assert len(text.encode(encoding, STAND_IN).decode(encoding)) == len(text)


def test_a_ladder_keeps_its_shape_in_ascii() -> None:
    assert "│── INVITE ──▶│ … ✔".encode("ascii", STAND_IN) == b"|-- INVITE -->| . +"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_ladder_is_drawn_where_its_characters_cannot_be_shown(encoding: str, tmp_path: Path) -> None:
    done = run("trace", capture(tmp_path / "a.pcapng"), encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"OPTIONS" in done.stdout
    assert b"|" in done.stdout


def test_the_demonstration_runs_to_its_end_in_ascii(tmp_path: Path) -> None:
    done = run("demo", "--output", tmp_path, encoding="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Everything happened as it should" in done.stdout


def test_the_demonstration_runs_to_its_end_when_nobody_reads(tmp_path: Path) -> None:
    with nobody_reads() as writer:
        done = run("demo", "--output", tmp_path, stdout=writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "ladder.svg").exists()


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reader_that_has_seen_enough_is_no_failure(more: tuple[str, ...], tmp_path: Path) -> None:
    file = capture(tmp_path / "a.pcapng", messages=2000)  # more than a pipe holds
    with nobody_reads() as writer:
        done = run("trace", file, *more, stdout=writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_one_line_and_a_failure(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = run("trace", capture(tmp_path / "a.pcapng"), stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr == b"pyc3p: the output cannot be written: No space left on device\n"


def test_a_stream_that_was_closed_before_takes_everything() -> None:
    stream, sink = prepare(None)
    stream.write("anything")
    assert sink is None
    stream.close()


def test_a_stream_that_somebody_else_collects_is_left_in_place() -> None:
    text, octets = io.StringIO(), io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert prepare(text) == (text, None)
    assert prepare(octets) == (octets, None)
    octets.write("▶")
    octets.flush()


def test_after_the_reader_went_away_nothing_more_is_tried() -> None:
    with nobody_reads() as writer:
        assert isinstance(writer, int)
        sink = Sink(writer)
        assert [sink.write(b"one"), sink.write(b"two!")] == [3, 4]
        assert isinstance(sink.failed, BrokenPipeError)


def test_a_descriptor_that_does_not_wait_is_made_to_wait() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(65536))
    written = threading.Event()

    def read_when_somebody_waits() -> None:
        while not os.get_blocking(writer) and not written.is_set():
            time.sleep(0.001)
        os.read(reader, 1 << 20)

    other = threading.Thread(target=read_when_somebody_waits)
    other.start()
    sink = Sink(writer)
    assert sink.write(b"x" * 100) == 100
    written.set()
    other.join()
    assert sink.failed is None
    os.close(reader)
    os.close(writer)


def test_a_name_cannot_steer_the_terminal() -> None:
    assert shown("Eve\x1b[2J\x9b1m\r\n") == "Eve?[2J?1m??"
