"""What doubling an input costs the SIP parser: it should be twice as much, whatever the shape.

Run ``python benchmarks/sip_scaling.py``. Each shape is read at four sizes, up to and beyond what the default limits
allow; limits are lifted so that nothing is refused early. ``worst`` is the largest ratio between neighbouring sizes.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sip

UNLIMITED = sip.Limits(
    max_line=10**9, max_headers=10**9, max_head=10**9, max_body=10**9, max_datagram_body=10**9, max_vias=10**9
)
NEEDED = (
    b"Via: SIP/2.0/UDP h.example;branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=1\r\nTo: <sip:b@b.example>\r\n"
    b"Call-ID: 1@h.example\r\nCSeq: 1 OPTIONS\r\n"
)


def message(extra: bytes = b"", body: bytes = b"") -> bytes:
    """A request with more header lines."""
    return b"OPTIONS sip:b@b.example SIP/2.0\r\n" + NEEDED + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body


def header(name: bytes, value: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """A request with one long header."""
    return lambda size: message(name + b": " + value(size) + b"\r\n")


def read(data: bytes) -> None:
    """Everything that reading can cost; refusal is a result too."""
    try:
        found = sip.parse_message(data, limits=UNLIMITED)
    except sip.SipError:
        return
    for careful in (False, True):
        try:
            found.check(all=careful)
        except sip.SipError:
            continue
    for name in ("Contact", "Route", "Subject", "Accept", "Authorization"):
        try:
            found.header(name)
        except sip.SipError:
            continue
    bytes(found)


def read_stream(data: bytes) -> None:
    """The same octets as a stream, a few at a time."""
    parser = sip.StreamParser(UNLIMITED)
    step = 97
    for place in range(0, len(data), step):
        try:
            parser.receive_data(data[place : place + step])
        except sip.SipError:
            if parser.closed:
                return


def read_parts(data: bytes) -> None:
    """The parts of a body."""
    try:
        sip.body_parts(sip.parse_message(data, limits=UNLIMITED))
    except sip.SipError:
        return


def cased(number: int) -> bytes:
    """One name in as many cases as it has letters to be written in."""
    letters = ((b"x", b"X")[number >> place & 1] for place in range(12))
    return b"".join(letters)


def nested(count: int) -> bytes:
    """Multiparts within multiparts, deeper than anybody follows."""
    body = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed;boundary=b%d\r\n\r\n" % (i, i + 1) for i in range(count // 64)
    )
    return message(b"Content-Type: multipart/mixed;boundary=b0\r\n", body)


def part_headers(count: int) -> bytes:
    """One part with many headers, all folded."""
    return message(
        b"Content-Type: multipart/mixed;boundary=b\r\n", b"--b\r\n" + b"X: a\r\n b\r\n" * (count // 10) + b"\r\n--b--"
    )


def multipart(count: int) -> bytes:
    """A body of many near-boundaries."""
    return message(b"Content-Type: multipart/mixed;boundary=b\r\n", b"--b\r\n\r\n" + b"\r\n--c" * count + b"\r\n--b--")


SHAPES: dict[str, tuple[Callable[[int], bytes], Callable[[bytes], None]]] = {
    "different headers": (lambda n: message(b"".join(b"X-%d: y\r\n" % i for i in range(n // 8))), read),
    "one header on many lines": (lambda n: message(b"X-A: y\r\n" * (n // 8)), read),
    "Via lines": (lambda n: message(b"Via: SIP/2.0/UDP h.example;branch=1\r\n" * (n // 32)), read),
    "Via in one line": (header(b"Via", lambda n: b", ".join([b"SIP/2.0/UDP h.example;branch=1"] * (n // 32))), read),
    "contacts": (header(b"Contact", lambda n: b", ".join([b'"A" <sip:a@b.example;x>;q=1'] * (n // 32))), read),
    "header parameters": (header(b"Contact", lambda n: b"<sip:a@b>" + b";a=b" * (n // 4)), read),
    "different parameters": (
        header(b"Refer-To", lambda n: b"<sip:a@b>" + b"".join(b";a%d" % i for i in range(n // 6))),
        read,
    ),
    "URI parameters": (header(b"Contact", lambda n: b"<sip:a@b" + b";a=b" * (n // 4) + b">"), read),
    "URI headers": (header(b"Contact", lambda n: b"<sip:a@b?" + b"a=b&" * (n // 4) + b"c=d>"), read),
    "escapes": (header(b"Contact", lambda n: b"<sip:" + b"%41" * (n // 3) + b"@b>"), read),
    "folds": (header(b"Subject", lambda n: b"a\r\n " * (n // 4)), read),
    "empty folds": (header(b"Subject", lambda n: b"\r\n " * (n // 3)), read),
    "blanks before a fold": (header(b"Subject", lambda n: b" " * n + b"\r\n x"), read),
    "blanks in a value": (header(b"Contact", lambda n: b"<sip:a@b>" + b" " * n + b";x"), read),
    "blanks behind a value": (header(b"Subject", lambda n: b"x" + b" " * n), read),
    "blanks in a name": (lambda n: message(b"X" + b" " * n + b"Y: z\r\n"), read),
    "blanks in the request line": (lambda n: b"OPTIONS" + b" " * n + b"x" + b" " * n + b"\r\n\r\n", read),
    "commas": (header(b"Accept", lambda n: b"," * n), read),
    "semicolons": (header(b"Contact", lambda n: b"<sip:a@b>" + b";" * n), read),
    "equals signs": (header(b"Contact", lambda n: b"<sip:a@b>;a" + b"=" * n), read),
    "opening brackets": (header(b"Contact", lambda n: b"<" * n), read),
    "opening brackets and commas": (header(b"Contact", lambda n: b"<a," * (n // 3)), read),
    "quotes": (header(b"Contact", lambda n: b'"' * n), read),
    "odd quotes": (header(b"Contact", lambda n: b'"' * (n | 1) + b","), read),
    "escaped quotes": (header(b"Contact", lambda n: b'"' + b'\\"' * (n // 2) + b","), read),
    "backslashes": (header(b"Contact", lambda n: b'"' + b"\\" * (n | 1) + b'" <sip:a@b>'), read),
    "nested comments": (header(b"Retry-After", lambda n: b"1 " + b"(" * n), read),
    "comments": (header(b"Retry-After", lambda n: b"1 (" + b"()" * (n // 2)), read),
    "at signs": (header(b"Contact", lambda n: b"<sip:" + b"a@" * (n // 2) + b"b>"), read),
    "question marks": (header(b"Contact", lambda n: b"<sip:" + b"?" * n + b"@b>"), read),
    "colons": (header(b"Contact", lambda n: b"<sip:a@[" + b":" * n + b"]>"), read),
    "dots": (header(b"Contact", lambda n: b"<sip:a@b" + b".b" * (n // 2) + b"_>"), read),
    "digits": (header(b"Expires", lambda n: b"1" * n), read),
    "digits of a RAck": (header(b"RAck", lambda n: b"1" * n + b" 1 INVITE"), read),
    "words before an address": (header(b"Refer-To", lambda n: b"a " * (n // 2) + b"<sip:a@b>"), read),
    "words without an address": (header(b"Refer-To", lambda n: b"a " * (n // 2)), read),
    "credentials": (header(b"Authorization", lambda n: b"Digest " + b'a="b", ' * (n // 8) + b"c"), read),
    "commas in credentials": (header(b"Authorization", lambda n: b"Digest " + b", " * (n // 2)), read),
    "header names never repeated": (lambda n: message(b"".join(b"X%x: y\r\n" % i for i in range(n // 8))), read),
    "one name in many cases": (lambda n: message(b"".join(b"%s: y\r\n" % cased(i) for i in range(n // 12))), read),
    "parameters on many Vias": (
        lambda n: message(b"Via: SIP/2.0/UDP h.example;branch=1;rport;received=192.0.2.1;a;b;c=d\r\n" * (n // 64)),
        read,
    ),
    "careful Vias": (header(b"Via", lambda n: b", ".join([b"SIP / 2.0 / UDP h ; a = b"] * (n // 32))), read),
    "quotes within brackets": (header(b"Contact", lambda n: b'<sip:a@b;x="' * (n // 12)), read),
    "brackets within quotes": (header(b"Contact", lambda n: b'"<' * (n // 2) + b"sip:a@b>"), read),
    "quoted pairs in parameters": (header(b"Contact", lambda n: b'<sip:a@b>;x="' + b"\\a" * (n // 2) + b'"'), read),
    "open quotes in parameters": (header(b"Contact", lambda n: b"<sip:a@b>" + b';x="\\"' * (n // 6)), read),
    "empty quotes": (header(b"Contact", lambda n: b'""' * (n // 2) + b" <sip:a@b>"), read),
    "quotes and commas": (header(b"Contact", lambda n: b'"a",' * (n // 4)), read),
    "quotes, backslashes and commas": (header(b"Contact", lambda n: b'"\\",' * (n // 4)), read),
    "percent signs": (header(b"Contact", lambda n: b"<sip:" + b"%" * n + b"@b>"), read),
    "ampersands in a URI": (header(b"Contact", lambda n: b"<sip:a@b?" + b"&" * n + b">"), read),
    "semicolons in a URI": (header(b"Contact", lambda n: b"<sip:a@b" + b";" * n + b">"), read),
    "semicolons before an at sign": (header(b"Contact", lambda n: b"<sip:" + b";a=b" * (n // 4) + b"@b>"), read),
    "a long host": (header(b"Contact", lambda n: b"<sip:a@" + b"a-" * (n // 2) + b"!>"), read),
    "parameters of a tel URI": (header(b"Contact", lambda n: b"<tel:+1" + b";a=b" * (n // 4) + b">"), read),
    "punctuation of a tel URI": (header(b"Contact", lambda n: b"<tel:+1" + b"-.()" * (n // 4) + b">"), read),
    "words behind an address": (header(b"Contact", lambda n: b"a sip:a@b" + b" a" * (n // 2)), read),
    "blanks between words": (header(b"Refer-To", lambda n: b"a" + b" " * n + b"sip:a@b"), read),
    "slashes": (header(b"Via", lambda n: b"SIP/" * (n // 4) + b" h"), read),
    "media types": (header(b"Accept", lambda n: b", ".join([b"a/b;q=1"] * (n // 9))), read),
    "token68": (header(b"Authorization", lambda n: b"Negotiate " + b"a=" * (n // 2)), read),
    "credentials without values": (header(b"Authorization", lambda n: b"Digest " + b"a=," * (n // 3)), read),
    "words of a call": (header(b"In-Reply-To", lambda n: b"a@" * (n // 2)), read),
    "a long CSeq": (lambda n: message().replace(b"CSeq: 1", b"CSeq: " + b"1" * n), read),
    "blanks in a CSeq": (lambda n: message().replace(b"CSeq: 1", b"CSeq: 1" + b" " * n), read),
    "Content-Length lines": (lambda n: message(b"Content-Length: 0\r\n" * (n // 19)), read),
    "digits of a Content-Length": (lambda n: message().replace(b"Length: 0", b"Length: " + b"0" * n), read),
    "escaped NULs": (header(b"Subject", lambda n: b"\\\0" * (n // 2)), read),
    "NULs": (header(b"Subject", lambda n: b"\0" * n), read),
    **{
        f"commas in {name.decode()}": (header(name, lambda n: b"a," * (n // 2)), read)
        for name in (b"Via", b"Route", b"Supported", b"Allow", b"Call-Info", b"Reason", b"Warning", b"Accept-Contact")
    },
    "bare LF": (lambda n: message(b"X-A: y\n" * (n // 7)), read),
    "bare CR": (lambda n: message(b"X-A: y\r" * (n // 7) + b"\r\n"), read),
    "line breaks before": (lambda n: b"\r\n" * (n // 2) + message(), read),
    "a body": (lambda n: message(b"", b"x" * n), read),
    "no message": (lambda n: b"x" * n, read),
    "no end of headers": (lambda n: b"OPTIONS sip:b@b.example SIP/2.0\r\n" + b"X-A: y\r\n" * (n // 8), read),
    "octets that are not UTF-8": (header(b"Subject", lambda n: b"\xff" * n), read),
    "stream: a long head": (header(b"Subject", lambda n: b"x" * n), read_stream),
    "stream: a long body": (lambda n: message(b"", b"x" * n), read_stream),
    "stream: many messages": (lambda n: message() * (n // 256), read_stream),
    "stream: refused messages": (lambda n: message().replace(b"From", b"X-From") * (n // 256), read_stream),
    "stream: bare LF": (lambda n: message().replace(b"\r\n", b"\n") * (n // 256), read_stream),
    "stream: keep-alives": (lambda n: b"\r\n" * (n // 2), read_stream),
    "stream: line ends without an end": (lambda n: b"a\r\n" * (n // 3), read_stream),
    "multipart: nested": (nested, read_parts),
    "multipart: headers of a part": (part_headers, read_parts),
    "multipart: dashes": (
        lambda n: message(b"Content-Type: multipart/mixed;boundary=b\r\n", b"--b\r\n\r\n" + b"-" * n),
        read_parts,
    ),
    "multipart: line breaks": (
        lambda n: message(b"Content-Type: multipart/mixed;boundary=b\r\n", b"--b" + b"\r\n" * (n // 2)),
        read_parts,
    ),
    "multipart: near-boundaries": (multipart, read_parts),
    "multipart: blanks": (
        lambda n: message(b"Content-Type: multipart/mixed;boundary=b\r\n", b"--b" + b" " * n),
        read_parts,
    ),
}


def seconds(work: Callable[[bytes], None], data: bytes) -> float:
    """Seconds of CPU, the best of several runs."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        work(data)
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Measure and print the table; exits with 1 when a shape costs more than twice as much, and a little."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--start", type=int, default=16384, help="octets of the smallest size")
    options.add_argument("--limit", type=float, default=2.2, help="largest ratio")
    asked = options.parse_args()
    gc.disable()
    sizes = [asked.start << step for step in range(4)]
    print(f"{'shape':<34}" + "".join(f"{size:>10}" for size in sizes) + f"{'worst':>8}")
    failed = []
    for name, (make, work) in SHAPES.items():
        worst, times = float("inf"), [0.0]
        for _ in range(3):  # a ratio that only noise spoils comes out well at the next try
            times = [seconds(work, make(size)) for size in sizes]
            # Below 100 us a clock tick is a large part of the ratio.
            ratios = [after / before for before, after in pairwise(times) if before > 1e-4]
            worst = min(worst, max(ratios, default=0.0))
            if worst <= asked.limit:
                break
        failed += [name] if worst > asked.limit else []
        print(f"{name:<34}" + "".join(f"{spent * 1e3:>8.2f}ms" for spent in times) + f"{worst:>8.2f}")
    if failed:
        sys.exit(f"more than {asked.limit} times as much: {', '.join(failed)}")


if __name__ == "__main__":
    main()
