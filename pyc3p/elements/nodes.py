"""One node among others in a process: its place in the store, its records there, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine, Iterable, Sequence
from typing import Final

import focus
import mcu
from pyc3p.commands.output import Output
from pyc3p.elements.node import Node as ElementNode
from pyc3p.elements.parts import SipCores
from pyc3p.elements.places import place
from pyc3p.elements.principals import server_principal
from pyc3p.ops.log import log_event
from pyc3p.placement.driver import StoreDriver
from pyc3p.placement.events import LeaseHeld, LeaseLapsed
from pyc3p.placement.member import Member
from pyc3p.placement.numbers import DrawWanted, NumberWanted
from pyc3p.placement.placed import PlacedFocus
from pyc3p.placement.store import INCARNATION_OCTETS, Node
from pyc3p.problems import Problem
from pyc3p.settings.nodes import NodesSettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.state.shared import SharedStore
from pyc3p.state.shared_sqlite import SharedSqliteStore
from pyc3p.state.store import StoreUnavailable
from sip import Event, Piece
from sip.aio import live_entropy, wall_clock

#: Seconds after which news of records are listened for again, when the store was away.
_AGAIN: Final = 1.0
#: Draws until it is taken that no number is free.
_DRAWS: Final = 20
_Core = focus.Focus | focus.FocusFactory


def node_of(config: ServeConfig) -> Node:
    """What this process is to the others."""
    address = place(config, "", config.sip_port, 0).sip_uri(transport="tcp")
    return Node(
        name=server_principal(config),
        incarnation=secrets.token_hex(INCARNATION_OCTETS),
        address=config.nodes.address or str(address),
    )


def shared_store(node: Node, settings: NodesSettings) -> SharedStore:
    """What the settings name, as one node sees it."""
    if settings.file is not None:
        return SharedSqliteStore(settings.file, node)
    # The library that it needs is needed by nobody else.
    from pyc3p.state.redis import RedisSettings, RedisStore

    return RedisStore(node, RedisSettings(url=settings.store, prefix=settings.prefix))


def _has_both(config: ServeConfig) -> bool:
    """Whether numbers are drawn and called in this process."""
    return {"focus", "focus-factory"} <= set(config.parts)


class AmongNodes:
    """Made before the parts, which are given ``member``; ``attach`` goes on when they are there."""

    def __init__(self, config: ServeConfig, output: Output) -> None:
        self.node = node_of(config)
        self.store = shared_store(self.node, config.nodes)
        self.member = Member(self.node, now=asyncio.get_running_loop().time())
        self.numbers = config.dial_in.shared(live_entropy()) if _has_both(config) else None  #: by which phones call
        self._output = output
        self._placed: PlacedFocus | None = None
        self._mcu_factory: mcu.McuFactory | None = None
        self._cores = SipCores()
        self._element: ElementNode | None = None
        self._driver: StoreDriver | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def secret(self) -> str:
        """What all nodes make the keys of nonces and tokens of. Raises Problem when the store is away."""
        try:
            return await self.store.shared_secret()
        except StoreUnavailable as error:
            raise Problem(f"{error}; a node needs it when it starts") from error

    @property
    def failing(self) -> str | None:
        """Why this node may begin nothing new at the moment."""
        return None if self._driver is None else self._driver.failing

    def attach(self, element: ElementNode, cores: SipCores, mcu_factory: mcu.McuFactory | None) -> None:
        """Take part, from now on."""
        assert cores.placed is not None
        self._mcu_factory = mcu_factory
        self._element, self._cores, self._placed = element, cores, cores.placed
        self._driver = StoreDriver(cores.placed, self.store, moved=element.kick)
        self._spawn(self._listen())

    def worked(self) -> None:
        """After each step of the machines: have the store do what is wanted."""
        if self._driver is not None:
            self._driver.worked()
        for wanted in self.numbers.take_wanted() if self.numbers is not None else ():
            self._spawn(self._answer_number(wanted))

    async def _answer_number(self, wanted: NumberWanted | DrawWanted) -> None:
        """What the store says of a number. Without an answer whoever waits gives up."""
        with contextlib.suppress(StoreUnavailable, focus.LocalProtocolError):  # the latter: nobody waits any more
            if isinstance(wanted, NumberWanted):
                record = await self.store.records.of_number(wanted.number)
                self._number_found(wanted.id, None if record is None else record.focus_uri)
            else:
                number = await self._reserved(wanted)
                if self._cores.focus_factory is not None:
                    now = asyncio.get_running_loop().time()
                    self._cores.focus_factory.number_drawn(wanted.id, number, now=now)
        if self._element is not None:
            self._element.kick()

    def _number_found(self, question: str, uri: str | None) -> None:
        now, cores = asyncio.get_running_loop().time(), self._cores
        if cores.forwarding is not None and cores.forwarding.number_found(question, uri, now=now):
            return
        if cores.ways_in is not None:
            cores.ways_in.number_found(question, uri, now=now)

    async def _reserved(self, wanted: DrawWanted) -> str | None:
        for _ in range(_DRAWS):
            number = wanted.draw()
            if number is not None and await self.store.records.reserve(number, wanted.key):
                return number
        return None

    def observe(self, element: str, event: Event) -> None:
        """Act on an event of the machines."""
        loop = asyncio.get_running_loop()
        if self._placed is None or self._element is None:
            return
        if self._placed.handle_event(event, now=loop.time()):
            loop.call_soon(self._element.kick)
        elif isinstance(event, focus.RecordWanted | focus.RecordsWanted | focus.RecordWriteWanted):
            self._spawn(self._answer(event))
        elif isinstance(event, LeaseHeld):
            nodes = ", ".join(event.nodes)
            self._output.tell(f"{self.node.name} is one of the nodes {nodes}", node=self.node.name, nodes=event.nodes)
        elif isinstance(event, LeaseLapsed):
            why = f": {self.failing}" if self.failing else ""
            text = f"the other nodes cannot be reached through the store{why}; nothing new is begun"
            self._output.tell(text, "bold red", level="error", node=self.node.name, error=self.failing or "")

    # Records ---------------------------------------------------------------------------------------------------------

    async def _answer(self, wanted: focus.RecordWanted | focus.RecordsWanted | focus.RecordWriteWanted) -> None:
        cores = (self._cores.focus, self._cores.focus_factory)
        core = next((each for each in cores if each is not None and each.owner == wanted.owner), None)
        clock = asyncio.get_running_loop().time
        if core is None:
            return
        with contextlib.suppress(focus.LocalProtocolError):  # nobody waits for it any more
            try:
                await self._ask(core, wanted)
            except StoreUnavailable:
                core.store_failed(wanted.id, now=clock())
        if self._element is not None:
            self._element.kick()

    async def _ask(
        self, core: _Core, wanted: focus.RecordWanted | focus.RecordsWanted | focus.RecordWriteWanted
    ) -> None:
        records, clock = self.store.records, asyncio.get_running_loop().time
        if isinstance(wanted, focus.RecordWanted):
            found = await records.find(wanted.key)
            core.record_found(wanted.id, found, now=clock())
        elif isinstance(core, focus.FocusFactory) and isinstance(wanted, focus.RecordsWanted):
            listed = await records.of_organizer(wanted.organizer_key, wanted.limit)
            core.records_found(wanted.id, listed, now=clock())
        elif isinstance(core, focus.FocusFactory) and isinstance(wanted, focus.RecordWriteWanted):
            written = await records.write(
                wanted.key,
                wanted.organizer_key,
                wanted.before,
                wanted.after,
                wall_clock=wall_clock() + clock(),
            )
            core.record_written(wanted.id, written, now=clock())
            if wanted.before is not None:
                await self.store.tell_changed(wanted.conference_uri)

    async def _listen(self) -> None:
        """Hear what other nodes tell, for ever; what was told while the store was away is made up for."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                async for news in self.store.news():
                    if news is None:
                        await self._make_up()
                    elif isinstance(news, Piece):
                        self._learn([news])
                    else:
                        self._records_changed([news])
            await asyncio.sleep(_AGAIN)

    async def _make_up(self) -> None:
        """Look at the records of all conferences that are active, and at where all are."""
        conferences = self._cores.focus
        self._records_changed([] if conferences is None else conferences.conferences)
        if self._mcu_factory is not None:
            self._learn(await self.store.load_places(), whole=True)

    def _records_changed(self, uris: Iterable[str]) -> None:
        """Records are other ones: their conferences may be active here."""
        conferences = self._cores.focus
        if conferences is not None and self._element is not None:
            for uri in uris:
                conferences.record_changed(uri, now=asyncio.get_running_loop().time())
            self._element.kick()

    def _learn(self, pieces: Sequence[Piece], *, whole: bool = False) -> None:
        """MCU Factories of other nodes have given conferences to MCUs."""
        if self._mcu_factory is not None and self._element is not None:
            for event in self._mcu_factory.learn(pieces, whole=whole):
                log_event(self._output, self.node.name, event)
            self._element.kick()

    # Life ------------------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drain(self, *, now: float) -> None:
        """Hand everything over."""
        if self._placed is not None:
            self._placed.drain(now=now)

    @property
    def has_left(self) -> bool:
        """Whether that is done."""
        return self._placed is None or self._placed.has_left

    async def close(self) -> None:
        """Take part no more. The store is closed by whoever writes the state."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._driver is not None:
            await self._driver.close()
