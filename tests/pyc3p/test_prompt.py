"""The prompt of ``pyc3p invite``, at a terminal that is one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import pyc3p
from pyc3p.commands.prompt import COMMANDS, Prompt
from tests.pyc3p.test_people import endpoint, roster, user

PATIENCE = 60.0
UP, TAB, CTRL_C = "\x1b[A", "\t", "\x03"

ROSTER = roster(user("Ann", endpoint("connected", "focus"), role="presenter"), user("Bob", endpoint("connected")))


def typed(*keys: str) -> list[str]:
    """The lines that somebody who presses these keys has typed."""
    seen: list[str] = []

    async def session() -> None:
        with create_pipe_input() as source:
            prompt = Prompt(seen.append, lambda: ROSTER, source=source, output=DummyOutput())
            reading = asyncio.ensure_future(prompt.run())
            for each in keys:
                source.send_text(each)
                await asyncio.sleep(0.05)
            source.send_text("\x04")  # the end of the input
            await asyncio.wait_for(reading, PATIENCE)

    asyncio.run(session())
    return seen


def test_lines_are_obeyed_and_remembered() -> None:
    assert typed("lock\r", UP + "\r", "roster\r", UP + UP + "\r") == ["lock", "lock", "roster", "lock"]


def test_keys_are_not_remembered() -> None:
    assert typed("lock\r", "keys bob 4711\r", UP + "\r") == ["lock", "keys bob 4711", "lock"]


def test_tab_completes_commands_and_people() -> None:
    assert typed("ej" + TAB, " b" + TAB, "\r") == ["eject Bob"]


def completions(line: str) -> set[str]:
    prompt = Prompt(lambda line: None, lambda: ROSTER, output=DummyOutput())
    completer = prompt._session.completer
    assert completer is not None
    return {each.text for each in completer.get_completions(Document(line), CompleteEvent())}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", set(COMMANDS)),
        ("un", {"unlock", "unmute", "unmute-all"}),
        ("mute ", {"Ann", "Bob"}),
        ("m b", {"Bob"}),
        ("admit ", {"all", "Ann", "Bob"}),
        ("announcements o", {"on", "off"}),
        ("lock ", set()),
        ("say hello b", set()),
        ("nothing ", set()),
    ],
)
def test_what_a_line_can_go_on_with(line: str, found: set[str]) -> None:
    assert completions(line) == found


@attrs.define
class Terminal:
    """A command at a terminal of its own."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""

    def until(self, pattern: str) -> None:
        """Until the screen has been sent this since the last time."""
        end = time.monotonic() + PATIENCE
        while (match := re.search(pattern, self.seen)) is None:
            assert time.monotonic() < end, f"{pattern!r} did not come; the end was {self.seen[-1500:]!r}"
            self.read()
        self.seen = self.seen[match.end() :]

    def read(self) -> None:
        """Take what comes within a moment, as a person sees it, and say where the cursor is when that is asked."""
        if not select.select([self.master], [], [], 0.2)[0]:
            return
        try:
            text = os.read(self.master, 65_536).decode("utf-8", "replace")
        except OSError:  # the other side is closed
            return
        if "\x1b[6n" in text:
            self.press("\x1b[1;1R")
        text = re.sub(r"\x1b\[(\d+)C", lambda moved: " " * int(moved[1]), text)
        self.seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x08", "", text)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Read until it is over; its exit code."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end
            self.read()
        return self.process.returncode


@contextlib.contextmanager
def terminal(*arguments: str, **environment: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 120))
    process = subprocess.Popen(
        [sys.executable, "-m", "pyc3p", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=Path(pyc3p.__file__).parents[1],
        env={**os.environ, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


async def _with_server(scenario: object) -> None:
    async with pyc3p.server() as at:
        await asyncio.to_thread(scenario, at)  # type: ignore[arg-type]


def test_a_presenter_types_at_a_prompt_and_sees_the_roster() -> None:
    def scenario(at: pyc3p.RunningServer) -> None:
        with terminal("invite", "--server", at.address, "--name", "Ann") as ann:
            ann.until("joined as presenter")
            ann.until(">")
            ann.until("Ann +presenter +is here")  # below the prompt
            ann.press("loc" + TAB)
            ann.until("lock")
            ann.press("\r")
            ann.until("lock: done")
            ann.press(UP + "\r")
            ann.until("lock: done")
            ann.press("mute nobody\r")
            ann.until("nobody is called 'nobody'")
            ann.press(CTRL_C)
            ann.until("over for us")
            assert ann.end() == 0

    asyncio.run(_with_server(scenario))


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_the_terminal_is_afterwards_as_it_was(term: str) -> None:
    def scenario(at: pyc3p.RunningServer) -> None:
        with terminal("invite", "--server", at.address, "--for", "1", TERM=term) as ann:
            before = termios.tcgetattr(ann.master)
            ann.until("joined as presenter")
            assert ann.end() == 0
            assert termios.tcgetattr(ann.master) == before

    asyncio.run(_with_server(scenario))
