"""What a server process keeps over a restart: its file, what was in it, and a secret that later processes know too."""

from __future__ import annotations

import secrets
from typing import Final

import attrs

from mcu import McuFactory
from pyc3p.commands.output import Output
from pyc3p.elements.node import Node
from pyc3p.elements.nodes import AmongNodes
from pyc3p.elements.parts import SipCores
from pyc3p.placement.member import Member
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.state import NOTHING, state_file
from pyc3p.state import SqliteStore, StateStore, StateWriter, StoreInUse, StoreUnavailable
from sip import Piece, UnreadablePiece, piece_key, read_piece, write_piece

#: Of the secret from which keys of nonces and flow tokens are made where the settings have none.
_SECRET_KEY: Final = piece_key("server", "secret")


@attrs.define(eq=False)
class ServerState:
    """The state of one process. It belongs to one element: that of all parts but the MCU, whose calls are gone."""

    store: StateStore
    pieces: list[Piece] = attrs.field(repr=False)  #: what an earlier process has written
    secret: str = attrs.field(repr=False)  #: the same as long as the file is
    where: str
    nodes: AmongNodes | None = None  #: where several share the store
    writer: StateWriter | None = None

    @property
    def failing(self) -> str | None:
        """Why nothing is written at the moment."""
        return None if self.writer is None else self.writer.failing

    @property
    def member(self) -> Member | None:
        """This process among other nodes."""
        return None if self.nodes is None else self.nodes.member

    def attach(self, node: Node, cores: SipCores, mcu_factory: McuFactory | None, output: Output) -> None:
        """Let a node go on with what was written, and write what it changes. Before it is started."""

        def told(reason: str | None) -> None:
            if reason is not None:
                text = f"state is not kept: {reason}; a restart would lose what changes now"
                output.tell(text, "bold red", level="error", state=self.where, error=reason)
            else:
                output.tell(f"state is kept again in {self.where}", level="warning", state=self.where)

        self.writer = StateWriter(node.element, self.store, written=node.kick, told=told)
        node.on_worked = self._worked
        if self.nodes is not None:
            self.nodes.attach(node, cores, mcu_factory)
        node.restore(self.pieces)
        self.pieces = []

    def _worked(self) -> None:
        assert self.writer is not None
        self.writer.worked()
        if self.nodes is not None:
            self.nodes.worked()

    async def close(self) -> None:
        """Write what is left, and let go of the file."""
        if self.nodes is not None:
            await self.nodes.close()
        if self.writer is not None:
            await self.writer.close()
        else:
            await self.store.close()


@attrs.frozen
class Unkept:
    """Nothing is kept, because it cannot be."""

    reason: str


async def open_state(config: ServeConfig, output: Output) -> ServerState | Unkept | None:
    """The state that the settings name; None where nothing is to be kept.

    What cannot be opened is told, and the server does without. Raises Problem for what must not be done without: the
    file of another server that runs, of another program, or of a later version.
    """
    if not set(config.parts) - {"mcu"}:
        return None
    if config.nodes.store:
        return await _shared(config, output)
    port = config.http_port if set(config.parts) <= {"mcu-factory", "mcu"} else config.sip_port
    path = state_file(config.state, config.host, port)
    if path is None:
        return None
    store = SqliteStore(path, synchronous=config.state.synchronous)
    try:
        await store.open()
        pieces = await store.load()
        secret = await _secret(store, pieces)
    except StoreInUse as error:
        await store.close()
        raise Problem(f"{error}; give each server a file of its own with --state, or --state {NOTHING}") from error
    except StoreUnavailable as error:
        await store.close()
        text = f"state is not kept: {error}; name another file with --state, or say --state {NOTHING}"
        output.tell(text, "bold red", level="error", state=str(path), error=str(error))
        return Unkept(str(error))
    return ServerState(store, pieces, secret, str(path))


async def _shared(config: ServeConfig, output: Output) -> ServerState:
    """The state of one node among others, in the store that they share. Raises Problem when it is away."""
    if "focus" not in config.parts:
        raise UsageProblem("nodes.store is for the processes with a Focus; leave it out here")
    nodes = AmongNodes(config, output)
    try:
        secret = await nodes.secret()
        return ServerState(nodes.store, await nodes.store.load(), secret, nodes.store.where, nodes)
    except BaseException:
        await nodes.store.close()
        raise


async def _secret(store: StateStore, pieces: list[Piece]) -> str:
    """The secret in the store, or a new one that is kept there."""
    for piece in pieces:
        if piece.key == _SECRET_KEY:
            try:
                return str(read_piece(piece, 1)["secret"])
            except (UnreadablePiece, KeyError):
                break
    made = secrets.token_hex(32)
    await store.write([write_piece(_SECRET_KEY, 1, {"secret": made})])
    return made
