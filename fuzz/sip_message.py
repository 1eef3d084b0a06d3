"""Coverage-guided fuzzing of the SIP parser: whole messages, streams and each header by itself.

Run ``pip install atheris`` and ``python fuzz/sip_message.py --seconds 600``. The first inputs are the torture messages
of RFC 4475, the messages in ``fuzz/sip_corpus``, and each header line of them; what covers more is kept in ``--corpus``
(a new temporary directory unless you name one). ``--only`` names one thing to read: ``message``, ``stream`` or a
header. An input that breaks a promise is written to the current directory and shown, and the script fails.

The promises: nothing but SipError escapes; what was read is printed and read again as the same; the quick and the
careful way to read a value agree; what is strict has no defects; a stream gives what the whole would give, however it
is cut; whatever was read of a refused request can be answered; no value that is put into a message adds a line to it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["sip"], enable_loader_override=False):
    import sip
    from sip import refuse
    from sip.headers.names import canonical_name, key_of
    from sip.headers.table import PARSERS
    from sip.syntax.grammar import assume

KEYS = sorted(PARSERS)
SEEDS = (ROOT / "tests" / "sip" / "rfc4475", ROOT / "fuzz" / "sip_corpus")
#: A message into which each value is put.
FRAME = sip.Request.build("OPTIONS", "sip:b@b.example", [("X-Last", "1")])


def read_message(data: bytes) -> None:
    """One datagram."""
    for strict in (False, True):
        try:
            message = sip.parse_message(data, strict=strict)
            again = sip.parse_message(bytes(message))
            assert again.body == message.body, "the body changed"
            assert again.headers.get_all("Via") == message.headers.get_all("Via"), "Via changed"
            message.check()
            message.check(all=True)
            _ = message.contact, message.route, message.record_route, message.event, message.session_expires
            sip.body_parts(message)
            assert not (strict and message.defects), "strict, but with defects"
        except sip.RemoteProtocolError as error:
            if isinstance(error.received, sip.Request):
                bytes(error.received.response(error.status_hint, to_tag="x"))


def read_stream(data: bytes) -> None:
    """The same octets, whole and in pieces."""
    step = data[0] % 37 + 1 if data else 1
    whole, pieces = outcome([data[1:]]), outcome([data[at : at + step] for at in range(1, len(data), step)])
    assert whole == pieces, f"whole: {whole}, in pieces: {pieces}"


def outcome(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    """The messages of a stream, and whether it came to a bad end."""
    parser, found = sip.StreamParser(lenient_length=True), []
    for piece in pieces:
        while True:
            try:
                items = parser.receive_data(piece)
            except sip.RemoteProtocolError as error:
                found.append(f"refused: {error}".encode())
                if parser.closed:
                    return found, True
            else:
                found += [bytes(item) for item in items if not isinstance(item, sip.Keepalive)]
                if not parser.failing:
                    break
            piece = b""
    return found, False


def read_header(key: str, data: bytes) -> None:
    """One value of one header."""
    parse, text, defects = PARSERS[key], data.decode("utf-8", "surrogateescape"), []
    try:
        value = parse(text, defects.append)
    except sip.RemoteProtocolError:
        for quick in (assume, refuse):
            assert not reads(key, text, quick), f"{quick.__name__}: accepts what is refused with care"
        return
    for quick in (assume, refuse):
        if reads(key, text, quick):
            assert parse(text, quick) == value, f"{quick.__name__}: another value"
    assert not (defects and reads(key, text, refuse)), f"strict, but {defects}"
    printed = str(value)
    assert parse(printed) == value, f"{printed!r} is not {value!r}"
    hash(value)
    put_into_a_message(key, value)


def reads(key: str, text: str, report: object) -> bool:
    """Whether a value can be read in that way."""
    try:
        PARSERS[key](text, report)
    except sip.RemoteProtocolError:
        return False
    return True


def put_into_a_message(key: str, value: object) -> None:
    """Nothing may get out of its line."""
    try:
        wire = bytes(FRAME.evolve(prepend=[(canonical_name(key), value)]))
    except sip.LocalProtocolError:
        return
    # Content-Length is the exception: the message keeps its own.
    lines = bytes(FRAME).count(b"\n") + (key != "content-length")
    assert wire.count(b"\r") == wire.count(b"\n") == lines, "another line"


def one_input(data: bytes) -> None:
    """Called by the fuzzer. The first octet says what is read: a message, a stream, or one of the headers."""
    if not data:
        return
    if data[0] < 2:
        (read_message, read_stream)[data[0]](data[1:])
    else:
        read_header(KEYS[(data[0] - 2) % len(KEYS)], data[1:])


def seeds() -> Iterator[bytes]:
    """The first inputs."""
    for folder in SEEDS:
        for path in sorted(folder.iterdir()):
            wire = path.read_bytes()
            yield b"\0" + wire
            yield b"\1\0" + wire
            yield from header_seeds(wire)


def header_seeds(wire: bytes) -> Iterator[bytes]:
    """Each header line of a message that is one of those with a parser."""
    for line in wire.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        key = key_of(name.strip().decode("ascii", "replace"))
        if key in PARSERS:
            yield bytes((KEYS.index(key) + 2,)) + value.strip()


def focus(only: str | None) -> object:
    """What is called with each input."""
    if only is None:
        return one_input
    if only in ("message", "stream"):
        reader = {"message": read_message, "stream": read_stream}[only]
        return lambda data: reader(data[1:])
    key = key_of(only)
    if key not in PARSERS:
        sys.exit(f"{only} is neither message, stream nor one of {', '.join(map(canonical_name, KEYS))}")
    return lambda data: read_header(key, data[1:])


def main() -> None:
    """Fuzz for a while."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=60, help="how long")
    options.add_argument("--corpus", type=Path, help="directory for inputs that cover more, kept for the next time")
    options.add_argument("--only", help="message, stream or the name of one header")
    asked = options.parse_args()
    called = focus(asked.only)
    corpus = asked.corpus or Path(tempfile.mkdtemp(prefix="sip-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    print(f"inputs: {corpus}")
    arguments = [sys.argv[0], f"-max_total_time={asked.seconds}", "-max_len=4096", "-timeout=10"]
    atheris.Setup([*arguments, "-print_final_stats=1", str(corpus)], called)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
