"""Coverage-guided fuzzing of the SIP parser.

Run ``pip install atheris`` and ``python fuzz/sip_message.py --seconds 600``. The torture messages of RFC 4475 are the
first inputs; what covers more is kept in ``--corpus`` (a new temporary directory unless you name one). An input that
breaks a promise is written to the current directory and shown, and the script fails.

The promises: nothing but SipError escapes; what was read is printed and read again as the same; a stream gives what
the whole would give, however it is cut; whatever was read of a refused request can be answered.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["sip"], enable_loader_override=False):
    import sip
    from sip.header_types import PARSERS

KEYS = sorted(PARSERS)
SEEDS = (ROOT / "tests" / "sip" / "rfc4475", ROOT / "fuzz" / "sip_corpus")


def read_message(data: bytes) -> None:
    """One datagram."""
    for strict in (False, True):
        try:
            message = sip.parse_message(data, strict=strict)
            again = sip.parse_message(bytes(message))
            assert again.body == message.body, "the body changed"
            assert again.headers.get_all("Via") == message.headers.get_all("Via"), "Via changed"
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
    try:
        for piece in pieces:
            found += [bytes(item) for item in parser.receive_data(piece) if not isinstance(item, sip.Keepalive)]
    except sip.RemoteProtocolError:
        assert parser.closed, "an error, but the stream goes on"
    return found, parser.closed


def read_header(data: bytes) -> None:
    """One value of one header."""
    if not data:
        return
    parse = PARSERS[KEYS[data[0] % len(KEYS)]]
    text = data[1:].decode("utf-8", "surrogateescape")
    try:
        value = parse(text)
    except sip.SipError:
        return
    printed = str(value)
    assert "\n" not in printed or "\n" in text, "a line break from nowhere"
    assert parse(printed) == value, f"{printed!r} is not {value!r}"


READERS = (read_message, read_stream, read_header)


def one_input(data: bytes) -> None:
    """Called by the fuzzer. The first octet says what is read."""
    if data:
        READERS[data[0] % len(READERS)](data[1:])


def main() -> None:
    """Fuzz for a while."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=60, help="how long")
    options.add_argument("--corpus", type=Path, help="directory for inputs that cover more, kept for the next time")
    asked = options.parse_args()
    corpus = asked.corpus or Path(tempfile.mkdtemp(prefix="sip-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for folder in SEEDS:
        for path in folder.iterdir() if folder.is_dir() else ():
            for kind in range(2):
                (corpus / f"{path.stem}-{kind}").write_bytes(bytes((kind, 0)[: kind + 1]) + path.read_bytes())
    print(f"inputs: {corpus}")
    arguments = [sys.argv[0], f"-max_total_time={asked.seconds}", "-max_len=4096", "-timeout=10", str(corpus)]
    atheris.Setup(arguments, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
