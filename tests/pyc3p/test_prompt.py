"""The prompt of ``pyc3p invite``, at a terminal that is one."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
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
import pyte
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import pyc3p
from pyc3p.commands.prompt import COMMANDS, Prompt
from tests.pyc3p.test_people import endpoint, roster, user

PATIENCE = 60.0
LINES, COLUMNS = 40, 120
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
    """A command at a terminal of its own, with a screen as a person sees it."""

    process: subprocess.Popen[bytes]
    master: int
    screen: pyte.Screen = attrs.field(factory=lambda: pyte.Screen(COLUMNS, LINES))
    stream: pyte.ByteStream = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.screen)
        self.screen.write_process_input = self.press  # where the cursor is, when that is asked

    def until(self, pattern: str, times: int = 1) -> None:
        """Until this stands on the screen, so many times."""
        end = time.monotonic() + PATIENCE
        while len(re.findall(pattern, self.shown)) < times:
            assert time.monotonic() < end, f"{pattern!r} did not come; the screen:\n{self.shown.strip()}"
            self.read()

    @property
    def shown(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self) -> None:
        """Take what comes within a moment."""
        if not select.select([self.master], [], [], 0.2)[0]:
            return
        with contextlib.suppress(OSError):  # the other side is closed
            self.stream.feed(os.read(self.master, 65_536))

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
    termios.tcsetwinsize(slave, (LINES, COLUMNS))
    process = subprocess.Popen(
        [sys.executable, "-m", "pyc3p", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=Path(pyc3p.__file__).parents[1],
        env={**os.environ, "TERM": "xterm", **environment},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY),  # Ctrl-C between two prompts is a signal
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
            ann.until("> lock")
            ann.press("\r")
            ann.until("lock: done")
            ann.press(UP + "\r")
            ann.until("lock: done", times=2)
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
