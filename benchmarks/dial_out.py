"""What one dial-out costs in calls: the main job on the simulated network, two subscribers, each package's share.

``python benchmarks/dial_out.py`` prints a table of calls by package from the presenter's command to its success, how
often a URI is parsed for one INFO and one HTTP document, and how many whole dial-outs (dialled, connected, ejected) one
second of CPU carries. ``--top N`` lists the functions that are entered most often.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import sip
from pyc3p.elements import FarmPlan, Handset
from pyc3p.simnet import Meeting

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("c3p", "sip", "rtp", "focus", "mcu", "pyc3p")
#: Modules that carry sound: they are entered fifty times a second, whatever is commanded.
MEDIA = (
    "rtp/stream/",
    "rtp/packets/",
    "rtp/codecs/",
    "rtp/srtp/",
    "mcu/audio/",
    "mcu/media.py",
    "pyc3p/phone/audio.py",
)
#: The pretended network itself and the trace of it are not what is measured.
APART = ("pyc3p/",)
#: Where an element begins to work on what came.
ENTRIES = frozenset(
    (
        *("Focus.handle_event", "Focus.receive_c3p", "Focus.receive_reply", "Client.handle_event"),
        *("Mcu.handle_event", "Mcu.receive_c3p", "McuFactory.receive_c3p"),
    )
)
BOB = "sip:bob@example.com"


def meeting() -> Meeting:
    """A conference that two people have joined and subscribe to, and a phone that answers."""
    met = Meeting(FarmPlan(handsets=[Handset(name="phone", user="bob", ring_time=0.1)]), seed=7)
    met.register_phones()
    met.open()
    met.network.run_for(1.0)
    return met


class Calls:
    """Counts entries into functions of the project."""

    def __init__(self) -> None:
        self.by_code: Counter[CodeType] = Counter()
        self.under: Counter[str] = Counter()  #: `Uri.parse` below a document that an element takes in
        self._uri_parse = sip.Uri.parse.__func__.__code__  # type: ignore[attr-defined]

    def __enter__(self) -> Calls:
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            self.by_code[code] += 1
            if code is self._uri_parse:
                self.under[_taker(frame)] += 1

    def of_project(self) -> dict[CodeType, tuple[str, int]]:
        """Path below the root, and the number of entries."""
        root = f"{ROOT}/"
        return {
            code: (path, count)
            for code, count in self.by_code.items()
            if code.co_filename.startswith(root)
            and (path := code.co_filename.removeprefix(root)).split("/")[0] in PACKAGES
        }


def _taker(frame: FrameType | None) -> str:
    """The outermost entry of an element that leads to this frame: who is at work on what."""
    while frame is not None:
        if frame.f_code.co_qualname in ENTRIES:
            return frame.f_code.co_qualname
        frame = frame.f_back
    return "elsewhere"


def count(top: int) -> None:
    """One dial-out, counted."""
    met = meeting()
    warm = met.dial("presenter", "sip:nobody@example.com")
    met.outcome("presenter", warm)
    met.network.run_for(2.0)
    with Calls() as calls:
        ended = met.outcome("presenter", met.dial("presenter", BOB))
        met.network.run_for(0.1)
    assert ended.succeeded, ended.text
    table: Counter[str] = Counter()
    modules = set()
    for path, entries in calls.of_project().values():
        package = path.split("/")[0]
        media = path.startswith(MEDIA)
        table["media" if media else package] += entries
        if not media:
            modules.add(path)
    total = sum(entries for name, entries in table.items() if name not in ("media", "pyc3p"))
    for name in (*PACKAGES, "media"):
        print(f"{name:8} {table[name]:8,}")
    print(f"calls in the protocol packages, media apart: {total:,} in {len(modules)} modules")
    print("Uri.parse by who is at work:", dict(calls.under.most_common()))
    if top:
        rows = sorted(calls.of_project().items(), key=lambda item: -item[1][1])
        for code, (path, entries) in [row for row in rows if not row[1][0].startswith((*MEDIA, *APART))][:top]:
            print(f"{entries:7,}  {path}  {code.co_qualname}")


def h11_parse() -> float:
    """Seconds of CPU that h11 takes to read one HTTP request with head and body of 1.4 kB together; the yardstick."""
    try:
        import h11
    except ImportError:
        return float("nan")
    fields = "".join(f"X-Header-{n}: <sip:user{n}@example.com>;tag=1928301774\r\n" for n in range(10))
    request = f"POST /c3p HTTP/1.1\r\nHost: example.com\r\n{fields}Content-Length: 850\r\n\r\n{'x' * 850}".encode()
    began = time.process_time()
    for _ in range(500):
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(request)
        while type(connection.next_event()) is not h11.EndOfMessage:
            pass
    return (time.process_time() - began) / 500


def rate(rounds: int, repeats: int) -> None:
    """Whole dial-outs a second of CPU, and one of them in parses of h11, measured in turn."""
    results, parses = [], []
    for _ in range(repeats):
        met = meeting()
        gc.collect()
        began = time.process_time()
        for _ in range(rounds):
            assert met.outcome("presenter", met.dial("presenter", BOB)).succeeded
            assert met.outcome("presenter", met.eject("presenter", BOB)).succeeded
            met.network.run_for(0.1)
        results.append(rounds / (time.process_time() - began))
        parses.append(1 / results[-1] / h11_parse())
    print(f"whole dial-outs a second of CPU: {statistics.median(results):.1f} (best {max(results):.1f})")
    print(
        f"one dial-out and ejection in h11 parses of 1.4 kB: {statistics.median(parses):.0f} (best {min(parses):.0f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--top", type=int, default=0, help="list the functions that are entered most often")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    count(arguments.top)
    rate(arguments.rounds, arguments.repeats)


if __name__ == "__main__":
    main()
