"""A prompt at which a presenter types: completion, history, and the roster in place below it.

What is told meanwhile stands above. Keys are not remembered: they may be a PIN.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

import c3p
from pyc3p.commands.invite_commands import (
    ABOUT_A_PHONE,
    ABOUT_A_USER,
    ABOUT_THE_LOBBY,
    EVERYBODY,
    PLAIN,
    SHORT,
    VALUES,
)
from pyc3p.commands.people import lines
from pyc3p.commands.terminal import shown
from pyc3p.roster import short_uri

COMMANDS: Final = sorted(
    {*PLAIN, *ABOUT_A_USER, *ABOUT_A_PHONE, *ABOUT_THE_LOBBY, *VALUES, "add", "ask", "say", "announcements"}
)
#: Of the height of a terminal, what the roster may take: the rest is for what is told.
SHARE: Final = 3
_STYLE: Final = Style.from_dict({"bottom-toolbar": "noreverse", "bottom-toolbar.text": "noreverse"})

Roster = Callable[[], "c3p.ConferenceInfo | None"]


class Prompt:
    """Calls ``obey`` with each line, and asks ``roster`` for what is to be shown."""

    def __init__(
        self, obey: Callable[[str], None], roster: Roster, *, source: Input | None = None, output: Output | None = None
    ) -> None:
        """``source`` and ``output`` are terminals; those of this process unless they are given."""
        self._obey, self._roster = obey, roster
        self._session: PromptSession[str] = PromptSession(
            "> ",
            completer=_Commands(roster),
            complete_while_typing=False,
            history=_History(),
            bottom_toolbar=self._shown,
            style=_STYLE,
            input=source,
            output=output,
        )

    async def run(self) -> None:
        """Read until the end of the input, or until cancelled; the terminal is then as it was."""
        with patch_stdout(raw=True):
            while True:
                try:
                    line = await self._session.prompt_async(handle_sigint=False)
                except EOFError:
                    return
                except KeyboardInterrupt:  # a terminal that sends keys in place of signals: what they do is one thing
                    signal.raise_signal(signal.SIGINT)
                else:
                    self._obey(line)

    def changed(self) -> None:
        """The roster is another one."""
        self._session.app.invalidate()

    def _shown(self) -> str:
        roster = self._roster()
        most = max(2, shutil.get_terminal_size().lines // SHARE)
        return "\n".join(map(shown, lines(roster, most=most))) if roster is not None else ""


class _History(InMemoryHistory):
    def append_string(self, string: str) -> None:
        if string.strip() and not string.lstrip().lower().startswith("keys"):
            super().append_string(string)


class _Commands(Completer):
    """Commands, and then whom they can be about."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """What a line could go on with."""
        word, space, rest = document.text_before_cursor.lstrip().partition(" ")
        found, typed = (self._about(word.lower()), rest.lstrip()) if space else (COMMANDS, word)
        for each in found:
            if each.lower().startswith(typed.lower()):
                yield Completion(shown(each), start_position=-len(typed))

    def _about(self, word: str) -> list[str]:
        command = SHORT.get(word, word)
        if command == "announcements":
            return ["on", "off"]
        if command not in {*ABOUT_A_USER, *ABOUT_A_PHONE, *ABOUT_THE_LOBBY, *VALUES}:
            return []
        roster = self._roster()
        users = roster.users.users if roster is not None and roster.users is not None else ()
        everybody = [EVERYBODY] if command in ABOUT_THE_LOBBY else []
        return everybody + [user.display_text or short_uri(user.entity) for user in users]
