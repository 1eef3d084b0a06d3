"""Inputs in batches, a look at the canary after each, and what broke it cut down and kept."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs

from pyc3p.fuzz.reducing import fewest_octets
from pyc3p.problems import UsageProblem
from pyc3p.trace.trace import Record

#: Inputs between two looks at the canary.
BATCH: Final = 50
#: Inputs before the canary fell that may have to do with it.
REMEMBERED: Final = 2000


class Attacked(Protocol):
    """What is attacked: a target, and the canary there."""

    def send(self, inputs: Sequence[bytes]) -> None:
        """Send all, in their order."""

    def complaint(self) -> str:
        """What is wrong with the canary; empty when all is well."""

    def revive(self) -> bool:
        """Have the target work again, with a new canary; False when that cannot be."""

    def records(self) -> Sequence[Record]:
        """What crossed the wire since it was revived."""


class Inputs(Protocol):
    """Inputs by number."""

    def __getitem__(self, number: int, /) -> bytes: ...


@attrs.frozen(kw_only=True)
class Broken:
    """What broke a target."""

    target: str
    seed: int
    number: int  #: of the last input
    complaint: str
    inputs: tuple[bytes, ...] = attrs.field(repr=False)
    again: bool  #: whether these inputs broke it again
    records: tuple[Record, ...] = attrs.field(repr=False, default=())

    def dump(self) -> str:
        """As a file that can be replayed."""
        fields = {
            "target": self.target,
            "seed": self.seed,
            "number": self.number,
            "complaint": self.complaint,
            "again": self.again,
            "inputs": [base64.b64encode(each).decode() for each in self.inputs],
            "shown": [each.decode("utf-8", "backslashreplace") for each in self.inputs],
        }
        return json.dumps(fields, indent=1) + "\n"


def read_inputs(path: Path) -> list[bytes]:
    """The inputs of such a file; raises UsageProblem."""
    try:
        return [base64.b64decode(each, validate=True) for each in json.loads(path.read_text())["inputs"]]
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise UsageProblem(f"{path} is no file of inputs") from error


@attrs.define(kw_only=True, eq=False)
class Fuzzing:
    """One run. ``on_batch`` is told how many inputs were sent."""

    attacked: Attacked
    inputs: Inputs
    target: str
    seed: int
    seconds: float
    cutting: float = 300.0  #: seconds for cutting down what broke it
    on_batch: Callable[[int], None] = lambda number: None
    sent: int = 0

    def play(self) -> Broken | None:
        """Until it breaks, or the time is over."""
        end = time.monotonic() + self.seconds
        past: list[bytes] = []
        while time.monotonic() < end:
            batch = [self.inputs[number] for number in range(self.sent, self.sent + BATCH)]
            self.attacked.send(batch)
            self.sent += len(batch)
            past = [*past, *batch][-REMEMBERED:]
            self.on_batch(self.sent)
            complaint = self.attacked.complaint()
            if complaint:
                return self._cut(past, batch, complaint)
        return None

    def _cut(self, past: Sequence[bytes], batch: Sequence[bytes], complaint: str) -> Broken:
        records = tuple(self.attacked.records())
        end = time.monotonic() + self.cutting

        def breaks(inputs: Sequence[bytes]) -> bool:
            nonlocal records, complaint
            if time.monotonic() > end or not inputs:
                return False
            found = broken_by(self.attacked, inputs)
            if found:
                records, complaint = tuple(self.attacked.records()), found
            return bool(found)

        # The last batch alone, more often than not; or something that heaped up.
        guilty = next((each for each in (batch, past) if breaks(each)), None)
        kept = list(past) if guilty is None else fewest_octets(guilty, breaks)
        return Broken(
            target=self.target,
            seed=self.seed,
            number=self.sent - 1,
            complaint=complaint,
            inputs=tuple(kept),
            again=guilty is not None,
            records=records,
        )


def broken_by(attacked: Attacked, inputs: Sequence[bytes]) -> str:
    """What becomes wrong when some inputs are sent to a target that works; empty for nothing, or if it cannot work."""
    if not attacked.revive():
        return ""
    attacked.send(inputs)
    return attacked.complaint()
