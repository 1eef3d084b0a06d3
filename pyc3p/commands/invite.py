"""``pyc3p invite``: a presenter's client that calls people into a conference and looks after it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import attrs

import c3p
import focus
import sip
from pyc3p.commands.chatting import TYPES, Chatting
from pyc3p.commands.credentials import PasswordWanted
from pyc3p.commands.invite_commands import HELP, Command, CommandError, give, parse_command
from pyc3p.commands.invite_options import InviteOptions
from pyc3p.commands.keyboard import Keyboard
from pyc3p.commands.output import Output
from pyc3p.commands.own_sound import Participant
from pyc3p.commands.people import lines, told
from pyc3p.commands.presenter import Presenter
from pyc3p.commands.prompt import Prompt
from pyc3p.elements import event_loop
from pyc3p.roster import Change, changes, dial_in_address, rows, short_uri
from sip import Event

#: Seconds until a lost roster is asked for again.
FOLLOW_AGAIN = 5.0
#: Seconds until it is said to be lost: at the end of a conference its roster may be over before our call is.
PERHAPS_OVER = 1.0
#: Lines that ``roster`` prints at most: the largest conference that somebody reads.
MOST_LINES = 500


class Invite:
    """One conference of one presenter."""

    def __init__(
        self, options: InviteOptions, output: Output, *, typed: int | None = None, prompted: bool = False
    ) -> None:
        """``typed`` is the file descriptor from which commands are read, None for none; ``prompted`` with a prompt."""
        self._options = options
        self._typed, self._prompted = typed, prompted
        self._prompt: Prompt | None = None
        self._output = output
        self._presenter = Presenter(options, on_event=self._happened)
        self.client, self.node = self._presenter.client, self._presenter.node
        self._server = self._presenter.server
        self._participant = Participant(
            options.sound, self.client, self._presenter.agent, self._presenter.local, output
        )
        self._chatting = Chatting(self.client, self._presenter.command, output, follow=options.chat)
        self._stop = asyncio.Event()
        self._roster: focus.RosterChanged | None = None
        self._uncalled = list(options.targets)
        self._dial_in_told = False
        self._calls: dict[focus.CommandId, str] = {}
        self._titles: dict[focus.CommandId, str] = {}
        self.failed: list[str] = []  #: people who could not be called
        self.reached: set[str] = set()

    async def run(self) -> int:
        """Create or join, call everybody, and stay; 0 when everybody was reached, 130 when stopped before that began.

        Raises Problem when the servers refuse, do not answer, or are lost, PasswordWanted when one asks for a password
        that is not known.
        """
        await self.node.start()
        try:
            if not await self._unless_stopped(self._enter()):
                return 130
            calling = asyncio.ensure_future(self._call_everybody())
            try:
                await self._attend()
            finally:
                calling.cancel()
            if not self.node.of(focus.Left):
                self._presenter.command(lambda now: self._participant.end(now=now))
            await self._presenter.go(end=self._options.conference is None and not self._options.keep)
        finally:
            await self.node.stop()
        return 1 if self.failed else 0

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do something, or be stopped; whether it was done. What it raises is raised."""
        working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                return False
            await working
            return True
        finally:
            working.cancel()
            stopping.cancel()

    def stop(self) -> None:
        """Leave, or end the conference."""
        self._stop.set()

    # Into the conference ---------------------------------------------------------------------------------------------

    async def _enter(self) -> None:
        uri = self._options.conference
        if uri is None:
            created = await self._presenter.create(self._options.subject, mcu_types=TYPES)
            uri = created.conference_uri
            self._output.tell(f"conference {uri}", conference=uri)
            self._tell_dial_in(created.info)
        joined = await self._presenter.join(uri, passcode=self._options.passcode)
        self._output.tell(f"joined as {joined.role or 'participant'}", role=joined.role, conference=uri)
        self._presenter.command(lambda now: self._participant.begin(now=now))

    def _tell_dial_in(self, info: c3p.ConferenceInfo) -> None:
        """What phones call, once it is known."""
        address = dial_in_address(info, None if self._options.tls is not None else self._options.server)
        if address is not None and not self._dial_in_told:
            self._dial_in_told = True
            self._output.tell(f"phones call {address}", dial_in=address)

    # In it -----------------------------------------------------------------------------------------------------------

    async def _call_everybody(self) -> None:
        """One after the other, with the pace that was asked for: a trunk takes only so many calls at once."""
        while self._uncalled:
            self._call(self._uncalled.pop(0))
            if self._uncalled and self._options.pace:
                await asyncio.sleep(self._options.pace)

    def _call(self, target: str) -> None:
        command = self._presenter.command(lambda now: self.client.add_user(target, now=now))
        self._calls[command] = target
        self._titles[command] = f"call {short_uri(target)}"

    async def _attend(self) -> None:
        """Stay until told to go, until the time is over, the conference is, or nobody could be called."""
        async with self._listening():
            waiting = asyncio.ensure_future(self._stop.wait())
            try:
                await asyncio.wait({waiting}, timeout=self._options.stay)
            finally:
                waiting.cancel()

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        """Obey what is typed."""
        if self._typed is None:
            yield
        elif self._prompted:
            self._prompt = Prompt(self.obey, lambda: self.client.roster)
            reading = asyncio.ensure_future(self._prompt.run())
            try:
                yield
            finally:
                self._prompt = None
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)  # the terminal is as it was
        else:
            keyboard = Keyboard(self.obey)
            keyboard.listen(self._typed)
            try:
                yield
            finally:
                keyboard.stop()

    def obey(self, line: str) -> None:
        """Carry out a command that was typed."""
        try:
            command = parse_command(line, self.client.roster)
        except CommandError as error:
            self._output.tell(str(error), "red", error=str(error))
            return
        try:
            if command is not None:
                self._carry_out(command)
        except focus.LocalProtocolError as error:  # too many at once, or the conference is just over
            self._output.tell(f"{command.title if command else line}: not now, {error}", "red", error=str(error))

    def _carry_out(self, command: Command) -> None:
        match command.name:
            case "help":
                self._output.tell(HELP, help=HELP)
            case "roster":
                self._show_roster()
            case "add":
                self._call(command.user)
            case "ask" | "say":
                self._chatting.obey(command)
            case "leave" | "end":
                self._options = attrs.evolve(self._options, keep=command.name == "leave")
                self._stop.set()
            case _:
                given = self._presenter.command(lambda now: give(self.client, command, now=now))
                self._titles[given] = command.title

    # What happens ----------------------------------------------------------------------------------------------------

    def _happened(self, event: Event) -> None:
        self._chatting.happened(event)
        self._participant.happened(event, now=self.node.now)
        match event:
            case focus.RosterChanged():
                before = self._roster.roster if self._roster is not None else None
                self._roster = event
                self._tell_dial_in(event.roster)
                for change in changes(before, event.roster):
                    self._tell_change(change)
                if self._prompt is not None:
                    self._prompt.changed()
            case focus.CommandSucceeded():
                self._ended(event.command, None)
            case focus.CommandFailed():
                self._ended(event.command, event)
            case focus.SubscriptionLost():
                self._follow_again(event)
            case focus.Rejoining():
                wait = max(0.0, event.at - self.node.now)
                text = f"{self._server} is lost, joining again in {wait:.1f} s (try {event.attempt})"
                self._output.tell(text, "yellow", rejoining=event.attempt, seconds=round(wait, 1))
            case focus.Rejoined():
                self._output.tell(
                    f"joined again as {event.role or 'participant'}", "green", rejoined=event.attempt, role=event.role
                )
            case focus.Left():
                self._output.tell(f"the conference is over for us: {event.cause.value}", left=event.cause.value)
                self._stop.set()

    def _tell_change(self, change: Change) -> None:
        """For people in their words; programs get those of the document."""
        text = f"  {change}" if self._output.as_json else told(change)
        if text is not None:
            self._output.tell(
                text if self._output.as_json else f"  {text}", "cyan", roster=str(change), change=attrs.asdict(change)
            )

    def _follow_again(self, lost: focus.SubscriptionLost) -> None:
        """Without documents the roster stands still: say so, and ask again unless it was refused."""
        if self.client.state is not focus.ClientState.JOINED:
            return
        loop = asyncio.get_running_loop()
        loop.call_later(PERHAPS_OVER, self._tell_lost, lost)
        if lost.status is None:
            loop.call_later(FOLLOW_AGAIN, self._follow)

    def _tell_lost(self, lost: focus.SubscriptionLost) -> None:
        if self.client.state is focus.ClientState.JOINED and not self._stop.is_set():
            self._output.tell(f"the roster is no longer kept up: {lost.reason}", "red", lost=lost.reason)

    def _follow(self) -> None:
        with contextlib.suppress(focus.LocalProtocolError):  # no longer there, or it follows already
            self._presenter.command(lambda now: self.client.subscribe(now=now))

    def _ended(self, command: focus.CommandId, failed: focus.CommandFailed | None) -> None:
        title = self._titles.get(command)
        if title is None:
            return
        result = "done" if failed is None else f"failed: {self._presenter.why(failed)}"
        style = "green" if failed is None else "bold red"
        self._output.tell(f"{title}: {result}", style, command=title, succeeded=failed is None, result=result)
        target = self._calls.pop(command, None)
        if target is None:
            return
        if failed is None:
            self.reached.add(target)
        else:
            self.failed.append(target)
        if not self._calls and not self._uncalled and not self.reached:
            self._stop.set()  # nobody could be called

    def _show_roster(self) -> None:
        roster = self.client.roster
        if not self._output.as_json:
            for line in lines(roster, most=MOST_LINES) if roster is not None else ():
                self._output.tell(f"  {line}")
            return
        for row in rows(roster) if roster is not None else ():
            muted = " muted" if row.muted else ""
            text = f"  {row.name:24} {row.role:10} {row.session_type:12} {row.status}{muted}"
            self._output.tell(text, row=attrs.asdict(row))


def as_user(options: InviteOptions, username: str) -> InviteOptions:
    """The same for the user of that name."""
    here = sip.Uri.parse(options.aor)
    user, _, host = username.partition("@")
    return attrs.evolve(options, aor=str(sip.Uri("sip", host or here.host, user)))


def run_invite(options: InviteOptions, *, as_json: bool) -> int:
    """Run until the conference is over; the exit code."""
    while True:
        try:
            return event_loop.run(_invite(options, Output(as_json=as_json)))
        except PasswordWanted as wanted:
            options.wallet.prompt(wanted)
            if not options.named:
                options = as_user(options, options.wallet.known[wanted.realm].username)


async def _invite(options: InviteOptions, output: Output) -> int:
    typed = _typed()
    prompted = typed is not None and not output.as_json and _can_prompt(typed)
    invite = Invite(options, output, typed=typed, prompted=prompted)
    running = asyncio.ensure_future(invite.run())
    stopped = False

    def stop() -> None:
        """Go in good order; asked again, go at once."""
        nonlocal stopped
        invite.stop()
        if stopped:
            running.cancel()
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    if not output.as_json:
        output.tell("type help for commands, Ctrl-C ends the conference", "dim")
    try:
        return await running
    except asyncio.CancelledError:
        return 130


def _can_prompt(typed: int) -> bool:
    """Whether somebody sits at a terminal that can more than lines."""
    return os.isatty(typed) and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _typed() -> int | None:
    """Where commands are typed, None when nobody can."""
    try:
        return sys.stdin.fileno() if sys.stdin is not None else None
    except (OSError, ValueError):  # closed, or no file at all
        return None
