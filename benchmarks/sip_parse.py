"""What parsing and writing SIP messages costs, next to its peers.

Run ``python benchmarks/sip_parse.py``. Peers that are not installed are left out
(``pip install h11 sipmessage sippy``).
The yardstick is h11 (pure Python) reading HTTP messages with the same headers and bodies in the same run.
Every call reads another message: each round is made afresh, before its clock starts.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT.parent)]

from sip_corpus import Corpus, Sample  # noqa: E402

import sip  # noqa: E402

#: What one case does before the clock starts, and what is timed: the second is called with each result of the first.
Case = tuple[str, str, Callable[[Sample], object], Callable[[object], object]]


def h11_cases() -> list[Case]:
    """The yardstick."""
    try:
        import h11
    except ImportError:
        return []

    def prepare(sample: Sample) -> object:
        return h11.Connection(h11.SERVER), sample.http

    def parse(prepared: object) -> object:
        connection, data = prepared  # type: ignore[misc]
        connection.receive_data(data)
        while type(connection.next_event()) is not h11.EndOfMessage:
            pass
        return connection

    return [("parse", "h11", prepare, parse)]


def sipmessage_cases() -> list[Case]:
    """A typed SIP message library."""
    try:
        import sipmessage
    except ImportError:
        return []

    def read(data: object) -> object:
        message = sipmessage.Message.parse(data)  # type: ignore[arg-type]
        _ = message.via, message.from_address, message.to_address, message.call_id, message.cseq, message.max_forwards
        return message.contact, message.route, message.record_route

    def parsed(sample: Sample) -> object:
        return sipmessage.Message.parse(sample.sip)

    return [
        ("parse", "sipmessage", lambda sample: sample.sip, sipmessage.Message.parse),
        ("parse, check, read", "sipmessage", lambda sample: sample.sip, read),
        ("serialise", "sipmessage", parsed, bytes),
    ]


def sippy_cases() -> list[Case]:
    """The parser of a B2BUA."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            from sippy.SipRequest import SipRequest
            from sippy.SipResponse import SipResponse
    except ImportError:
        return []
    names = ("via", "from", "to", "call-id", "cseq", "max-forwards", "contact", "route", "record-route")

    def prepare(sample: Sample) -> object:
        return SipResponse if sample.kind == "200" else SipRequest, sample.sip.decode()

    def parse(prepared: object) -> object:
        kind, text = prepared  # type: ignore[misc]
        return kind(text)

    def read(prepared: object) -> object:
        message = parse(prepared)
        return [header.getBody() for name in names for header in message.getHFs(name)]  # type: ignore[attr-defined]

    return [("parse", "sippy", prepare, parse), ("parse, check, read", "sippy", prepare, read)]


def our_cases() -> list[Case]:
    """sip of this repository."""

    def read(data: object) -> object:
        message = sip.parse_message(data)  # type: ignore[arg-type]
        message.check()
        return message.contact, message.route, message.record_route

    def parsed(sample: Sample) -> object:
        return sip.parse_message(sample.sip)

    def request(sample: Sample) -> object:
        message = sip.parse_message(sample.sip)
        if isinstance(message, sip.Request):
            return message
        return sip.Request.build("INVITE", "sip:bob@example.com", message.headers, message.body)

    def respond(message: object) -> object:
        contact = (("Contact", "<sip:bob@192.0.2.1:5060>"),)
        return bytes(message.response(200, to_tag="a73kszlfl", headers=contact))  # type: ignore[attr-defined]

    return [
        ("parse", "sip", lambda sample: sample.sip, sip.parse_message),  # type: ignore[list-item]
        ("parse, check, read", "sip", lambda sample: sample.sip, read),
        ("build and serialise a response", "sip", request, respond),
        ("serialise", "sip", parsed, bytes),  # type: ignore[list-item]
    ]


def seconds_each(case: Case, samples: Sequence[Sample]) -> float:
    """Seconds of CPU for one message."""
    prepared = [case[2](sample) for sample in samples]
    work = case[3]
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        for item in prepared:
            work(item)
        return (time.process_time() - start) / len(prepared)
    finally:
        gc.enable()


def main() -> None:
    """Measure and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=15, help="rounds; the fastest counts")
    options.add_argument("--count", type=int, default=100, help="messages of each kind in a round")
    options.add_argument("--kind", help="only this kind of message, for example INVITE")
    asked = options.parse_args()
    cases = [*h11_cases(), *our_cases(), *sipmessage_cases(), *sippy_cases()]
    best = dict.fromkeys(range(len(cases)), float("inf"))
    for number in range(asked.rounds):
        samples = [s for s in Corpus(number).round(asked.count) if asked.kind in (None, s.kind)]
        for index, case in enumerate(cases):
            best[index] = min(best[index], seconds_each(case, samples))
    yardstick = best[0] if cases[0][1] == "h11" else float("nan")
    print(f"{'what':<32}{'who':<12}{'us':>8}{'of h11 parse':>14}")
    for index, (what, who, _, _) in sorted(enumerate(cases), key=lambda item: item[1][0]):
        print(f"{what:<32}{who:<12}{best[index] * 1e6:>8.2f}{best[index] / yardstick:>14.2f}")


if __name__ == "__main__":
    main()
