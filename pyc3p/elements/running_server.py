"""A whole server inside an asyncio program: registrar, proxy, Focus Factory, Focus, MCU Factory and MCU."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

import attrs

import focus
import mcu
import sip
from pyc3p.commands.output import Output
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.server import Server, build_server
from pyc3p.elements.state import ServerState, Unkept, open_state
from pyc3p.problems import Problem
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.trace import text_address

#: Ports that a server needs: SIP and HTTP, of the MCU and of the rest.
_PORTS: Final = 4

AboutConferences = (
    focus.Admission | focus.Allowed | focus.Refusal
)  #: what a `focus.ConferencePolicy` decides in the end
AboutCalls = mcu.Allowed | mcu.Refusal  #: what a `mcu.DialOutPolicy` does


@attrs.define(eq=False)
class RunningServer:
    """A server that runs; ``async with pyc3p.server() as server`` makes one."""

    config: ServeConfig
    parts: Server = attrs.field(repr=False)

    @property
    def address(self) -> str:
        """Where phones and clients find it: ``127.0.0.1:5060``."""
        return text_address((self.config.public_host, self.config.sip_port))

    @property
    def domain(self) -> str:
        """Its SIP domain."""
        return self.config.sip_domain

    def aor(self, user: str) -> str:
        """The address of a user of it, such as ``sip:ann@127.0.0.1``."""
        return str(sip.Uri("sip", self.domain, user))

    @property
    def focus(self) -> focus.Focus:
        """The Focus, for who looks at its conferences."""
        assert self.parts.cores.focus is not None
        return self.parts.cores.focus

    @property
    def mcu(self) -> mcu.Mcu:
        """The MCU, for who looks at its legs."""
        assert self.parts.mcu is not None
        return self.parts.mcu

    @property
    def now(self) -> float:
        """The clock of its machines, monotonic seconds: what their commands want as ``now``."""
        return asyncio.get_running_loop().time()

    def decided(self, pending_id: str, decision: AboutConferences | AboutCalls) -> None:
        """Answer what a policy left open with `sip.Pending`, and have it carried out.

        Decisions of the package ``mcu`` are about calls, those of ``focus`` about who may do what; nothing happens when
        it has been given up. Raises the LocalProtocolError of that package when nothing waits for it.
        """
        if isinstance(decision, AboutCalls):
            self.mcu.decided(pending_id, decision, now=self.now)
        elif isinstance(decision, AboutConferences):
            self.focus.decided(pending_id, decision, now=self.now)
        else:
            raise sip.LocalProtocolError(f"decision must be one of focus or mcu, not {decision!r}")
        self.kick()

    def kick(self) -> None:
        """Carry what a command to one of the machines caused."""
        self.parts.kick()


@contextlib.asynccontextmanager
async def server(
    *,
    host: str = "127.0.0.1",
    sip_port: int = 0,
    domain: str = "",
    conference_policy: focus.ConferencePolicy | None = None,
    dial_out_policy: mcu.DialOutPolicy | None = None,
    on_event: Callable[[str, sip.Event], None] | None = None,
    settings: ServeConfig | None = None,
) -> AsyncIterator[RunningServer]:
    """Run every part of a conferencing system in this process, for tests and bots, until the end of the block.

    ``sip_port`` 0 takes any free one; ``domain`` is ``host`` unless it is given. The policies say who may do what in a
    conference, and who may be called; ``on_event`` is given the name of an element and each event that it tells.
    ``settings`` has everything that the file of ``pyc3p serve`` has, and goes before the other arguments of that kind;
    without a file for its state (``state.file``) or other nodes (``nodes.store``) nothing outlasts the block.
    On loopback everybody is believed; elsewhere ``settings`` has to say who may use it. Raises Problem.
    """
    config = settings
    if config is None:
        try:
            with reserved_ports(_PORTS, host) as ports:
                free = tuple(ports)
        except OSError as error:
            raise Problem(f"there are no free ports on {host}: {error.strerror}") from error
        config = ServeConfig(
            host=host,
            domain=domain,
            sip_port=sip_port or free[0],
            http_port=free[1],
            mcu_sip_port=free[2],
            mcu_http_port=free[3],
        )
    config = attrs.evolve(config, workers=0).settled()
    output = Output(forward=lambda text, style, fields: None)
    state = await _state(config, output)
    try:
        made = build_server(
            config,
            None,
            output,
            observers=() if on_event is None else (on_event,),
            state=state,
            conference_policy=conference_policy,
            dial_out_policy=dial_out_policy,
        )
    except BaseException:
        if state is not None:
            await state.close()
        raise
    try:
        await made.start()
        yield RunningServer(config, made)
    finally:
        await made.close()


async def _state(config: ServeConfig, output: Output) -> ServerState | None:
    """What is to outlast the block. `pyc3p serve` keeps a file unasked; a test or a bot has to name one."""
    if not (config.nodes.store or config.state.file):
        return None
    opened = await open_state(config, output)
    if isinstance(opened, Unkept):
        raise Problem(f"state cannot be kept: {opened.reason}")
    return opened
