"""``pyc3p invite``: a presenter's client that calls people into a conference and looks after it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

import attrs

import c3p
import focus
import sip
from pyc3p.commands.addresses import local_host_towards, proxy_at, server_address
from pyc3p.commands.credentials import CHALLENGES, PasswordWanted
from pyc3p.commands.invite_commands import HELP, Command, CommandError, parse_command
from pyc3p.commands.invite_options import InviteOptions
from pyc3p.commands.keyboard import Keyboard
from pyc3p.commands.narration import narrate
from pyc3p.commands.output import Output
from pyc3p.commands.own_sound import Participant
from pyc3p.elements import event_loop
from pyc3p.elements.node import Node
from pyc3p.elements.participant import participant
from pyc3p.elements.parts import Place
from pyc3p.problems import Problem
from pyc3p.roster import changes, dial_in_address, rows, short_uri
from pyc3p.trace.trace import text_address
from sip import Event
from sip.aio import TlsFault, live_entropy, wall_clock

T = TypeVar("T")

#: Seconds for an answer of the servers; a call may ring longer.
ANSWER = 10.0
#: Seconds until a lost roster is asked for again.
FOLLOW_AGAIN = 5.0
#: Seconds until it is said to be lost: at the end of a conference its roster may be over before our call is.
PERHAPS_OVER = 1.0

#: What to say when somebody else ends our stay; then the command has failed, but for a conference that is over.
_NOT_OUR_DOING: Final[Mapping[focus.LeaveCause, str]] = {
    focus.LeaveCause.LOST: "{server} is gone, and did not take us back; start `pyc3p serve` there again, then invite",
    focus.LeaveCause.DISMISSED: "{server} has put us out of the conference; join again with --conference",
}


class Invite:
    """One conference of one presenter."""

    def __init__(self, options: InviteOptions, output: Output, *, typed: int | None = None) -> None:
        """``typed`` is the file descriptor from which commands are read, None for none."""
        self._options = options
        self._typed = typed
        self._output = output
        host, port = server_address(*options.server)
        self._server = text_address(options.server)
        local = local_host_towards(host, port)
        place = Place(name="client", host=local, transports=("TCP", "UDP"), wall_clock=wall_clock())
        config = focus.ClientConfig(
            aor=options.aor,
            display_name=options.display_name,
            rejoin_for=options.rejoin_for,
            outbound_proxy=proxy_at((host, port), "tcp" if options.tls is None else "tls"),
        )
        element, self.client, agent = participant(
            place, config, entropy=live_entropy(), credentials=options.wallet.find
        )
        self._participant = Participant(options.sound, self.client, agent, local, output)
        self.node = Node(element, on_event=self._happened, tls=options.tls)
        self._stop = asyncio.Event()
        self._roster: focus.RosterChanged | None = None
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
            for target in self._options.targets:
                self._call(target)
            await self._attend()
            await self._go()
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
        uri = self._options.conference or await self._create()
        passcode = self._options.passcode
        self._command(lambda now: self.client.join(uri, passcode=passcode, now=now))
        joined = await self._answer(focus.Joined, focus.JoinFailed, "the Focus")
        if not isinstance(joined, focus.Joined):
            assert isinstance(joined, focus.JoinFailed)
            if passcode is not None and joined.status in CHALLENGES:
                raise Problem(f"{self._server} does not take that passcode for {short_uri(uri)}")
            refused = self._refused(joined.status)
            raise refused or Problem(f"cannot join {short_uri(uri)}: {self._why_not(joined)}")
        self._output.tell(f"joined as {joined.role or 'participant'}", role=joined.role, conference=uri)
        self._command(lambda now: self.client.subscribe(now=now))
        self._command(lambda now: self._participant.begin(now=now))

    async def _create(self) -> str:
        self._command(lambda now: self.client.create_conference(subject=self._options.subject, now=now))
        created = await self._answer(focus.ConferenceCreated, focus.CommandFailed, "the Focus Factory")
        if not isinstance(created, focus.ConferenceCreated):
            assert isinstance(created, focus.CommandFailed)
            refused = self._refused(created.status)
            raise refused or Problem(f"cannot create a conference: {self._why(created)}")
        self._output.tell(f"conference {created.conference_uri}", conference=created.conference_uri)
        self._tell_dial_in(created.info)
        return created.conference_uri

    def _tell_dial_in(self, info: c3p.ConferenceInfo) -> None:
        """What phones call, once it is known."""
        address = dial_in_address(info, None if self._options.tls is not None else self._options.server)
        if address is not None and not self._dial_in_told:
            self._dial_in_told = True
            self._output.tell(f"phones call {address}", dial_in=address)

    async def _answer(self, good: type[Event], bad: type[Event], who: str) -> Event:
        what = f"an answer of {who} at {self._server} (is `pyc3p serve` running there?)"
        await self.node.wait_for(lambda: bool(self.node.of(good) or self.node.of(bad)), ANSWER, what)
        return (self.node.of(good) or self.node.of(bad))[0]

    def _refused(self, status: int | None) -> Problem | None:
        return self._options.wallet.refused(status, self._server, aor=sip.Uri.parse(self._options.aor))

    def _why(self, failed: focus.CommandFailed) -> str:
        if failed.reason is focus.FailureReason.TRANSPORT:
            return self._silence
        if failed.status == 404:
            return f"nobody at {self._server} keeps conferences (404); is that the port of the Focus Factory, 5060?"
        return failed.text

    def _why_not(self, failed: focus.JoinFailed) -> str:
        return self._silence if failed.status is None else failed.text

    @property
    def _silence(self) -> str:
        for fault in self.node.of(TlsFault):
            return narrate(fault) or fault.reason
        usual = "5061 for SIP over TLS" if self._options.tls is not None else "5060, and with TLS another"
        return f"{self._server} does not answer; is `pyc3p serve` running there, at that port? The usual one is {usual}"

    # In it -----------------------------------------------------------------------------------------------------------

    def _call(self, target: str) -> None:
        command = self._command(lambda now: self.client.add_user(target, now=now))
        self._calls[command] = target
        self._titles[command] = f"call {short_uri(target)}"

    def _command(self, give: Callable[[float], T]) -> T:
        """Give a command to the client, and carry it."""
        given = give(self.node.now)
        self.node.kick()
        return given

    async def _attend(self) -> None:
        """Stay until told to go, until the time is over, the conference is, or nobody could be called."""
        keyboard = Keyboard(self.obey) if self._typed is not None else None
        if keyboard is not None and self._typed is not None:
            keyboard.listen(self._typed)
        waiting = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({waiting}, timeout=self._options.stay)
        waiting.cancel()
        if keyboard is not None:
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
            case "leave" | "end":
                self._options = attrs.evolve(self._options, keep=command.name == "leave")
                self._stop.set()
            case _:
                given = self._command(lambda now: _give(self.client, command, now))
                self._titles[given] = command.title

    async def _go(self) -> None:
        left = self.node.of(focus.Left)
        if left:
            if left[0].cause in _NOT_OUR_DOING:
                raise Problem(_NOT_OUR_DOING[left[0].cause].format(server=self._server))
            return
        self._command(lambda now: self._participant.end(now=now))
        here = self.client.state is focus.ClientState.JOINED
        if here and self._options.conference is None and not self._options.keep:
            self._command(lambda now: self.client.end_conference(now=now))
        else:
            self._command(lambda now: self.client.leave(now=now))
        await self.node.wait_for(
            lambda: bool(self.node.of(focus.Left)), ANSWER, f"the answer of {self._server} to our leaving"
        )
        if self.node.of(focus.Left)[0].cause is focus.LeaveCause.LOST:
            raise Problem(_NOT_OUR_DOING[focus.LeaveCause.LOST].format(server=self._server))

    # What happens ----------------------------------------------------------------------------------------------------

    def _happened(self, event: Event) -> None:
        self._participant.happened(event, now=self.node.now)
        match event:
            case focus.RosterChanged():
                before = self._roster.roster if self._roster is not None else None
                self._roster = event
                self._tell_dial_in(event.roster)
                for change in changes(before, event.roster):
                    self._output.tell(f"  {change}", "cyan", roster=change)
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
            case _:
                pass

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
            self._command(lambda now: self.client.subscribe(now=now))

    def _ended(self, command: focus.CommandId, failed: focus.CommandFailed | None) -> None:
        title = self._titles.get(command)
        if title is None:
            return
        result = "done" if failed is None else f"failed: {self._why(failed)}"
        style = "green" if failed is None else "bold red"
        self._output.tell(f"{title}: {result}", style, command=title, succeeded=failed is None, result=result)
        target = self._calls.pop(command, None)
        if target is None:
            return
        if failed is None:
            self.reached.add(target)
        else:
            self.failed.append(target)
        if not self._calls and not self.reached:
            self._stop.set()  # nobody could be called

    def _show_roster(self) -> None:
        roster = self.client.roster
        for row in rows(roster) if roster is not None else ():
            muted = " muted" if row.muted else ""
            text = f"  {row.name:24} {row.role:10} {row.session_type:12} {row.status}{muted}"
            self._output.tell(text, row=attrs.asdict(row))


def _give(client: focus.Client, command: Command, now: float) -> focus.CommandId:
    match command.name:
        case "lock" | "unlock":
            return client.set_lock(command.name == "lock", now=now)
        case "eject":
            return client.delete_user(command.user, now=now)
        case _:
            return client.mute(
                command.user,
                endpoint=command.endpoint,
                media_id=command.media_id,
                muted=command.name == "mute",
                now=now,
            )


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
    invite = Invite(options, output, typed=_typed())
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


def _typed() -> int | None:
    """Where commands are typed, None when nobody can."""
    try:
        return sys.stdin.fileno() if sys.stdin is not None else None
    except (OSError, ValueError):  # closed, or no file at all
        return None
