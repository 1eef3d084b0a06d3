"""Fuzzing of whole elements: proxy, registrar, user agent, Focus and MCU, each with everything below it.

``python fuzz/elements.py proxy --seconds 600``. An input is a message, or a document over HTTP, that arrives at an
element in the middle of its work; the element stays as it is from one input to the next, and is made anew after
``LIFE`` of them, when time passes until nothing may be left. The promises: nothing raises, nothing reports an
`InternalFault`, every request gets its one answer, nothing is left. The first inputs are whole conversations.

With atheris (``pip install atheris``) the fuzzer looks for what covers more; without it inputs are made by changing the
first ones: bytes, words, headers, lines, elements. ``--seed`` brings the latter back. What breaks a promise is written
to the current directory with all inputs since the element was made, ``--replay FILE`` plays that again, and the script
fails.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

atheris: ModuleType | None
try:
    import atheris
except ImportError:
    atheris = None

if atheris is not None and not {"--own", "--replay"} & set(sys.argv):
    with atheris.instrument_imports(include=["sip", "c3p", "focus", "mcu", "rtp"], enable_loader_override=False):
        import focus
        import mcu
        import sip
else:
    import focus
    import mcu
    import sip

import c3p  # noqa: E402
from fuzz.running import Conferencing, Element, Phones, Problem  # noqa: E402
from pyc3p.simnet import BodyAlteration, BodyHow  # noqa: E402
from sip.testing import JUNK, Seeded, alteration, with_length  # noqa: E402

#: Inputs after which an element is made anew: enough for one to disturb another, few enough to see which did.
LIFE = 100

ELEMENTS: dict[str, Callable[[], Element]] = {
    "proxy": lambda: Phones("proxy"),
    "registrar": lambda: Phones("registrar"),
    "user-agent": lambda: Phones("user-agent"),
    "focus": lambda: Conferencing("focus"),
    "mcu": lambda: Conferencing("mcu"),
}
PARTS = (sip, c3p, focus, mcu)


class Fuzzing:
    """One element after the other, and what was done to the present one."""

    def __init__(self, name: str) -> None:
        self._make = ELEMENTS[name]
        self._name = name
        self._element = self._make()
        self.done: list[bytes] = []
        self.inputs = 0

    def one_input(self, data: bytes) -> None:
        """Let one input arrive."""
        self.inputs += 1
        self.done.append(data)
        try:
            self._element.take(data)
            if len(self.done) >= LIFE:
                self._element.finish()
                self._element, self.done = self._make(), []
        except Exception:
            self._write()
            raise

    def _write(self) -> None:
        file = Path(f"broken-{self._name}-{len(self.done)}.json")
        shown = [base64.b64encode(each).decode() for each in self.done]
        file.write_text(json.dumps({"element": self._name, "inputs": shown}))
        print(f"the inputs are in {file}: --replay {file} plays them again", file=sys.stderr)


def replay(file: Path) -> None:
    """Play what broke a promise."""
    kept = json.loads(file.read_text())
    element = ELEMENTS[kept["element"]]()
    for shown in kept["inputs"]:
        element.take(base64.b64decode(shown))
    element.finish()
    print("all held")


# Without atheris -----------------------------------------------------------------------------------------------------


class Mutator:
    """Makes inputs from others."""

    def __init__(self, seed: int, first: Sequence[bytes]) -> None:
        self._random = random.Random(seed)
        self._first = first
        self._seed = seed
        self._number = 0

    def next_input(self) -> bytes:
        """One more."""
        dice = self._random
        data = dice.choice(self._first)
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
            data = data[:1] + dice.choice((self._header, self._body, self._bytes, self._word, self._splice))(data[1:])
        return data

    def _header(self, data: bytes) -> bytes:
        self._number += 1
        return alteration(Seeded(self._seed, self._number), 1).apply(data)

    def _body(self, data: bytes) -> bytes:
        dice = self._random
        change = BodyAlteration(0, dice.randrange(80), dice.choice(tuple(BodyHow)), dice.choice(JUNK))
        if data.startswith(b"<"):
            return change.apply(data)
        return with_length(data, change.apply(data.partition(b"\r\n\r\n")[2]))

    def _bytes(self, data: bytes) -> bytes:
        dice, changed = self._random, bytearray(data)
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(changed) + 1)
            changed[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
        return bytes(changed)

    def _word(self, data: bytes) -> bytes:
        junk = self._random.choice(JUNK).encode("utf-8", "surrogateescape")
        at = self._random.randrange(len(data) + 1)
        return data[:at] + junk + data[at + self._random.randrange(20) :]

    def _splice(self, data: bytes) -> bytes:
        other = self._random.choice(self._first)[1:]
        return data[: self._random.randrange(len(data) + 1)] + other[self._random.randrange(len(other) + 1) :]


def fuzz_by_ourselves(fuzzing: Fuzzing, first: Sequence[bytes], seconds: float, seed: int) -> None:
    """Change inputs at random for a while."""
    mutator, end = Mutator(seed, first), time.monotonic() + seconds
    while time.monotonic() < end:
        fuzzing.one_input(mutator.next_input())


def fuzz_by_coverage(fuzzing: Fuzzing, first: Sequence[bytes], seconds: int, corpus: Path, fuzzer: ModuleType) -> None:
    """Let atheris look for what covers more."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(first):
        (corpus / f"seed-{number}").write_bytes(seed)
    print(f"inputs: {corpus}")
    arguments = [sys.argv[0], f"-max_total_time={seconds}", "-max_len=8192", "-timeout=60", "-print_final_stats=1"]
    fuzzer.Setup([*arguments, str(corpus)], fuzzing.one_input)
    fuzzer.Fuzz()


def main() -> None:
    """Fuzz for a while."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("element", nargs="?", choices=sorted(ELEMENTS), default="proxy")
    options.add_argument("--seconds", type=int, default=60, help="how long")
    options.add_argument("--seed", type=int, default=0, help="of inputs that are made without atheris")
    options.add_argument("--own", action="store_true", help="do without atheris, although it is there")
    options.add_argument("--corpus", type=Path, help="directory for inputs that cover more, kept for the next time")
    options.add_argument("--replay", type=Path, help="play the inputs of this file again")
    asked = options.parse_args()
    if asked.replay is not None:
        replay(asked.replay)
        return
    fuzzing, first = Fuzzing(asked.element), ELEMENTS[asked.element]().first_inputs()
    if atheris is not None and not asked.own:
        corpus = asked.corpus or Path(tempfile.mkdtemp(prefix=f"{asked.element}-fuzz-"))
        fuzz_by_coverage(fuzzing, first, asked.seconds, corpus, atheris)
        return
    try:
        fuzz_by_ourselves(fuzzing, first, asked.seconds, asked.seed)
    except Problem as problem:
        sys.exit(f"after {fuzzing.inputs} inputs: {problem}")
    print(f"{asked.element}: {fuzzing.inputs} inputs, all promises held")


if __name__ == "__main__":
    main()
