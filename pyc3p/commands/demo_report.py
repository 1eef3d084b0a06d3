"""What the demonstration shows while it runs: for people on a terminal, or one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Protocol

import attrs

from pyc3p.commands.terminal import Terminal
from pyc3p.commands.trace import as_dict
from pyc3p.trace.ladder import Ladder
from pyc3p.trace.ladder_text import TextLadder
from pyc3p.trace.trace import Names, Record


@attrs.frozen
class Check:
    """One thing that must have happened."""

    title: str
    passed: bool
    detail: str = ""


@attrs.frozen(kw_only=True)
class Stage:
    """One of the steps in which somebody is added; times in seconds on the clock of its ladder."""

    number: str
    title: str
    began: float
    ended: float


class Report(Protocol):
    """Where the demonstration reports to; also a trace reader."""

    def __call__(self, record: Record) -> None:
        """Something went over the network."""
        ...

    def act(self, text: str) -> None:
        """A new act begins."""
        ...

    def roster(self, who: str, change: str) -> None:
        """A subscriber learnt of a change."""
        ...

    def check(self, check: Check) -> None:
        """Something was checked."""
        ...

    def stages(self, stages: Sequence[Stage]) -> None:
        """What the main job took, step by step."""
        ...

    def end(self, passed: bool, files: Sequence[str], seconds: float, problem: str) -> None:
        """The curtain falls."""
        ...


class TerminalReport:
    """The ladder as it happens, and the story between its lines."""

    def __init__(self, columns: Sequence[str], names: Names) -> None:
        self._terminal = Terminal()
        self._ladder = Ladder(names)
        self._drawing = TextLadder(columns, width=self._terminal.width)

    def __call__(self, record: Record) -> None:
        """Draw a message, or the beginning of a media stream."""
        item = self._ladder.add(record)
        if item is not None:
            self._terminal.line(self._drawing.line(item))

    def act(self, text: str) -> None:
        """A heading, and the names of the columns again."""
        self._terminal.say("")
        self._terminal.say(f"▸ {text}", "bold yellow")
        self._terminal.line(self._drawing.header())

    def roster(self, who: str, change: str) -> None:
        """Beside the ladder."""
        self._terminal.say(f"          roster at {who}: {change}", "bold")

    def check(self, check: Check) -> None:
        """A tick or a cross."""
        mark, style = ("✔", "green") if check.passed else ("✘", "bold red")
        detail = f"  ({check.detail})" if check.detail else ""
        self._terminal.say(f"  {mark} {check.title}{detail}", style)

    def stages(self, stages: Sequence[Stage]) -> None:
        """A table: when each step began, counted from the first, and how long it took."""
        self._terminal.say("")
        self._terminal.say("How a phone came into the conference", "bold yellow")
        self._terminal.say("     begins     takes", "dim")
        for stage in stages:
            at, took = 1000 * (stage.began - stages[0].began), 1000 * (stage.ended - stage.began)
            self._terminal.say(f"  {at:6.0f} ms {took:6.0f} ms  {stage.number}  {stage.title}")

    def end(self, passed: bool, files: Sequence[str], seconds: float, problem: str) -> None:
        """The result, and where everything was written."""
        self._terminal.say("")
        if problem:
            self._terminal.say(problem, "bold red")
        words = "Everything happened as it should" if passed else "SOMETHING IS MISSING, see the crosses above"
        self._terminal.say(f"{words}, in {seconds:.1f} s.", "bold green" if passed else "bold red")
        for name in files:
            self._terminal.say(f"  {name}")


class JsonReport:
    """The same for machines."""

    def __init__(self, names: Names) -> None:
        self._ladder = Ladder(names)

    def __call__(self, record: Record) -> None:
        """One object a message."""
        item = self._ladder.add(record)
        if item is not None:
            self._write(as_dict(item))

    def act(self, text: str) -> None:
        """{"act": ...}"""
        self._write({"act": text})

    def roster(self, who: str, change: str) -> None:
        """{"roster": change, "at": element}"""
        self._write({"roster": change, "seen_by": who})

    def check(self, check: Check) -> None:
        """{"check": title, "passed": ...}"""
        self._write({"check": check.title, "passed": check.passed, "detail": check.detail})

    def stages(self, stages: Sequence[Stage]) -> None:
        """{"stage": number, "title": ..., "began": ..., "seconds": ...}"""
        for stage in stages:
            took = round(stage.ended - stage.began, 6)
            self._write({"stage": stage.number, "title": stage.title, "began": stage.began, "seconds": took})

    def end(self, passed: bool, files: Sequence[str], seconds: float, problem: str) -> None:
        """{"passed": ..., "files": [...]}"""
        self._write({"passed": passed, "files": list(files), "seconds": round(seconds, 1), "problem": problem})

    @staticmethod
    def _write(fields: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()
