"""A client at a server, for commands that talk to a Focus: getting in, giving commands, going, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import attrs

import focus
import sip
from pyc3p.commands.addresses import local_host_towards, proxy_at, server_address
from pyc3p.commands.credentials import CHALLENGES, Wallet
from pyc3p.commands.narration import narrate
from pyc3p.elements.node import Node
from pyc3p.elements.participant import participant
from pyc3p.elements.parts import Place
from pyc3p.elements.tls import SipTls
from pyc3p.problems import Problem
from pyc3p.roster import short_uri
from pyc3p.trace.trace import text_address
from sip import Event
from sip.aio import TlsFault, cure_of, live_entropy, wall_clock

T = TypeVar("T")

#: Seconds for an answer of the servers; a call may ring longer.
ANSWER: Final = 10.0

#: What to say when somebody else ends our stay; then the command has failed, but for a conference that is over.
NOT_OUR_DOING: Final[Mapping[focus.LeaveCause, str]] = {
    focus.LeaveCause.LOST: "{server} is gone, and did not take us back; start `pyc3p serve` there again, then invite",
    focus.LeaveCause.DISMISSED: "{server} has put us out of the conference; join again with --conference",
}


@attrs.frozen(kw_only=True)
class Access:
    """Which server, and as whom."""

    server: tuple[str, int]  #: where the Focus is
    aor: str  #: who we are
    named: bool = True  #: whether that was said; if not, it is whoever has the password that is asked for
    display_name: str | None = None
    rejoin_for: float = 300.0  #: seconds for which a server that is lost is tried again; 0: not at all
    wallet: Wallet = attrs.field(factory=Wallet, repr=False)  #: for servers that ask who we are
    tls: SipTls | None = None  #: the server is asked over TLS, and has to prove its name


class Presenter:
    """One client with its sockets. Methods raise Problem when the server refuses, or does not answer."""

    def __init__(self, access: Access, *, on_event: Callable[[Event], None]) -> None:
        self._access = access
        host, port = server_address(*access.server)
        self.server = text_address(access.server)
        self.local = local_host_towards(host, port)  #: our address, as the server sees it
        place = Place(name="client", host=self.local, transports=("TCP", "UDP"), wall_clock=wall_clock())
        config = focus.ClientConfig(
            aor=access.aor,
            display_name=access.display_name,
            rejoin_for=access.rejoin_for,
            outbound_proxy=proxy_at((host, port), "tcp" if access.tls is None else "tls"),
        )
        element, self.client, self.agent = participant(
            place, config, entropy=live_entropy(), credentials=access.wallet.find
        )
        self.node = Node(element, on_event=on_event, tls=access.tls)

    def command(self, give: Callable[[float], T]) -> T:
        """Give a command to the client, and carry it."""
        given = give(self.node.now)
        self.node.kick()
        return given

    async def create(self, subject: str, *, mcu_types: tuple[str, ...]) -> focus.ConferenceCreated:
        """Create a conference with these kinds of MCU. Raises Problem."""
        self.command(lambda now: self.client.create_conference(subject=subject, mcu_types=mcu_types, now=now))
        created = await self._answer(focus.ConferenceCreated, "the Focus Factory")
        if not isinstance(created, focus.ConferenceCreated):
            assert isinstance(created, focus.CommandFailed)
            raise self.refused(created.status) or Problem(f"cannot create a conference: {self.why(created)}")
        return created

    async def join(self, uri: str, *, passcode: str | None = None) -> focus.Joined:
        """Join a conference and follow it. Raises Problem."""
        self.command(lambda now: self.client.join(uri, passcode=passcode, now=now))
        joined = await self._answer(focus.Joined, "the Focus", focus.JoinFailed)
        if not isinstance(joined, focus.Joined):
            assert isinstance(joined, focus.JoinFailed)
            if passcode is not None and joined.status in CHALLENGES:
                raise Problem(f"{self.server} does not take that passcode for {short_uri(uri)}")
            refused = self.refused(joined.status)
            raise refused or Problem(f"cannot join {short_uri(uri)}: {self._why_not(joined)}")
        self.command(lambda now: self.client.subscribe(now=now))
        return joined

    async def go(self, *, end: bool) -> None:
        """Leave the conference, or ``end`` it for all; nothing happens where that has been done already.

        Raises Problem.
        """
        left = self.node.of(focus.Left)
        if left:
            if left[0].cause in NOT_OUR_DOING:
                raise Problem(NOT_OUR_DOING[left[0].cause].format(server=self.server))
            return
        if end and self.client.state is focus.ClientState.JOINED:
            self.command(lambda now: self.client.end_conference(now=now))
        else:
            self.command(lambda now: self.client.leave(now=now))
        what = f"the answer of {self.server} to our leaving"
        await self.node.wait_for(lambda: bool(self.node.of(focus.Left)), ANSWER, what)
        if self.node.of(focus.Left)[0].cause is focus.LeaveCause.LOST:
            raise Problem(NOT_OUR_DOING[focus.LeaveCause.LOST].format(server=self.server))

    async def _answer(self, good: type[Event], who: str, bad: type[Event] = focus.CommandFailed) -> Event:
        what = f"an answer of {who} at {self.server} (is `pyc3p serve` running there?)"
        await self.node.wait_for(lambda: bool(self.node.of(good) or self.node.of(bad)), ANSWER, what)
        return (self.node.of(good) or self.node.of(bad))[0]

    # What went wrong -------------------------------------------------------------------------------------------------

    def refused(self, status: int | None) -> Problem | None:
        """What to say of a status that is about who we are; None for any other. Raises PasswordWanted."""
        return self._access.wallet.refused(status, self.server, aor=sip.Uri.parse(self._access.aor))

    def why(self, failed: focus.CommandFailed) -> str:
        """Why a command failed, in words."""
        if failed.reason is focus.FailureReason.TRANSPORT:
            return self._silence
        if failed.status == 404:
            return f"nobody at {self.server} keeps conferences (404); is that the port of the Focus Factory, 5060?"
        status = failed.far_status or failed.status
        cure = "" if status in CHALLENGES else cure_of(status, password=True)
        return f"{failed.text}; {cure}" if cure else failed.text

    def _why_not(self, failed: focus.JoinFailed) -> str:
        if failed.status == 404:
            return f"{failed.text}; it is over, or another server has it, which --server names"
        return self._silence if failed.status is None else failed.text

    @property
    def _silence(self) -> str:
        for fault in self.node.of(TlsFault):
            return narrate(fault) or fault.reason
        usual = "5061 for SIP over TLS" if self._access.tls is not None else "5060, and with TLS another"
        return f"{self.server} does not answer; is `pyc3p serve` running there, at that port? The usual one is {usual}"
