"""``pyc3p conference``: one command about a conference, for scripts: in, done, out again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

import c3p
import focus
import sip
from pyc3p.commands.addresses import LOCALHOST, is_loopback
from pyc3p.commands.credentials import PasswordWanted
from pyc3p.commands.invite_commands import Command, CommandError, give, parse_command
from pyc3p.commands.output import Output
from pyc3p.commands.presenter import ANSWER, Access, Presenter
from pyc3p.elements import event_loop
from pyc3p.problems import Problem
from pyc3p.roster import rows, short_uri
from sip import Event

#: Seconds for the end of a command: a phone rings for 60 s, and a Focus waits for its MCU.
PATIENCE: Final = 90.0


@attrs.frozen(kw_only=True)
class ErrandOptions(Access):
    """What is to be done."""

    line: str  #: a command as `parse_command` reads it, or ``list``
    conference: str | None = None  #: Conference-URI; None for ``list`` alone


class Errand:
    """Carries out one command."""

    def __init__(self, options: ErrandOptions, output: Output) -> None:
        self._options, self._output = options, output
        self._presenter = Presenter(options, on_event=self._happened)
        self._ended: dict[focus.CommandId, focus.CommandSucceeded | focus.CommandFailed] = {}
        self._roster: c3p.ConferenceInfo | None = None

    async def run(self) -> int:
        """0 when it was done, 1 when not. Raises Problem and PasswordWanted as `Presenter` does."""
        await self._presenter.node.start()
        try:
            if self._options.conference is None:
                return await self._list()
            await self._presenter.join(self._options.conference)
            try:
                what = f"the roster of {self._presenter.server}"
                await self._presenter.node.wait_for(lambda: self._roster is not None, ANSWER, what)
                return await self._carry_out(self._understood())
            finally:
                await self._presenter.go(end=False)
        finally:
            await self._presenter.node.stop()

    def _happened(self, event: Event) -> None:
        match event:
            case focus.RosterChanged():
                self._roster = event.roster
            case focus.CommandSucceeded() | focus.CommandFailed():
                self._ended[event.command] = event

    def _understood(self) -> Command:
        try:
            command = parse_command(self._options.line, self._roster)
        except CommandError as error:
            raise Problem(str(error)) from error
        if command is None or command.name in ("leave", "help"):
            raise Problem(f"{self._options.line!r} is nothing that can be done to a conference")
        return command

    async def _carry_out(self, command: Command) -> int:
        if command.name == "roster":
            self._show()
            return 0
        client = self._presenter.client
        given = self._presenter.command(lambda now: give(client, command, now=now))
        ended = await self._end_of(given, PATIENCE)
        failed = ended if isinstance(ended, focus.CommandFailed) else None
        result = "done" if failed is None else f"failed: {self._presenter.why(failed)}"
        title = command.title
        style = "green" if failed is None else "bold red"
        self._output.tell(f"{title}: {result}", style, command=title, succeeded=failed is None, result=result)
        return 0 if failed is None else 1

    async def _end_of(self, given: focus.CommandId, seconds: float) -> focus.CommandSucceeded | focus.CommandFailed:
        what = f"the end of the command at {self._presenter.server}"
        await self._presenter.node.wait_for(lambda: given in self._ended, seconds, what)
        return self._ended[given]

    def _show(self) -> None:
        assert self._roster is not None
        listed = [attrs.asdict(row) for row in rows(self._roster)]
        if self._output.as_json:
            self._output.tell("", conference=self._roster.entity, locked=_locked(self._roster), roster=listed)
            return
        for row in rows(self._roster):
            muted = " muted" if row.muted else ""
            self._output.tell(f"{row.name:24} {row.role:10} {row.session_type:12} {row.status}{muted}")

    async def _list(self) -> int:
        given = self._presenter.command(lambda now: self._presenter.client.get_conferences(now=now))
        ended = await self._end_of(given, ANSWER)
        if isinstance(ended, focus.CommandFailed):
            refused = self._presenter.refused(ended.status)
            raise refused or Problem(f"cannot list conferences: {self._presenter.why(ended)}")
        command = ended.response.command if ended.response is not None else None
        found = command.conference_infos if isinstance(command, c3p.GetConferences) else ()
        if self._output.as_json:
            self._output.tell("", conferences=list(map(_described, found)))
        elif not found:
            self._output.tell(_none_of(sip.Uri.parse(self._options.aor)))
        for info in () if self._output.as_json else found:
            self._output.tell(f"{info.entity}  {_described(info)['subject'] or ''}".rstrip())
        return 0


def _none_of(organizer: sip.Uri) -> str:
    """What is told instead of an empty list: a conference belongs to one name of the machine."""
    told = f"{organizer} has no conferences here"
    if not is_loopback(organizer.host):
        return told
    other = "127.0.0.1" if organizer.host == LOCALHOST else LOCALHOST
    return f"{told}; those of {sip.Uri(organizer.scheme, other, organizer.user)} are listed with --as that address"


def _described(info: c3p.ConferenceInfo) -> dict[str, object]:
    description = info.description
    return {
        "conference": info.entity,
        "name": short_uri(info.entity),
        "subject": None if description is None else description.subject,
        "expires": None if description is None else description.expiry_time,
    }


def _locked(roster: c3p.ConferenceInfo) -> bool:
    return any(state.locked for state in _focus_states(roster))


def _focus_states(roster: c3p.ConferenceInfo) -> Iterator[c3p.EntityState]:
    for view in roster.conference_view.views if roster.conference_view is not None else ():
        if view.entity == roster.entity and view.entity_state is not None:
            yield view.entity_state


def run_errand(options: ErrandOptions, *, as_json: bool) -> int:
    """Carry it out; the exit code. Raises Problem."""
    while True:
        try:
            return event_loop.run(Errand(options, Output(as_json=as_json)).run())
        except PasswordWanted as wanted:
            options.wallet.prompt(wanted)
