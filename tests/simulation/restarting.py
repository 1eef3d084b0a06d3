"""A meeting whose Focus can be killed whenever it has written something, and begun again with what it wrote."""

from __future__ import annotations

import re
from collections.abc import Callable

import focus
import sip
from pyc3p.elements import FarmPlan, parts
from pyc3p.elements.parts import CoreSettings
from pyc3p.simnet import Meeting
from sip import Piece, StateChange


class Killed(Exception):
    """The process of the Focus is gone: what it had written is there, and nothing that it promised has left."""


class Restarting(Meeting):
    """A meeting of servers that keep their state."""

    def __init__(self, plan: FarmPlan, *, seed: int = 1) -> None:
        super().__init__(plan, seed=seed)
        self.restarts: list[float] = []  #: when it began again
        self.saves = 0
        self._kill_at: int | None = None
        self._watch()

    def kill_at(self, save: int) -> None:
        """Die when so many times something was written, before anything of that leaves."""
        self._kill_at = save

    def _watch(self) -> None:
        host = self.host("focus")
        persisted = host.persisted

        def saved(change: StateChange) -> None:
            self.saves += 1
            if self._kill_at is not None and self.saves >= self._kill_at:
                self._kill_at = None
                raise Killed
            persisted(change)

        host.persisted = saved  # type: ignore[method-assign]

    @property
    def focus(self) -> focus.Focus:
        """The Focus that runs now."""
        found = self.sim.farm.cores["focus"].focus
        assert found is not None
        return found

    @property
    def pieces(self) -> list[Piece]:
        """What it has written."""
        return self.host("focus").disk.pieces

    def restart(self, keeps: Callable[[Piece], bool] = lambda piece: True, *, away: float = 0.5) -> list[sip.Event]:
        """Kill the Focus, and some seconds later begin it again with what it wrote, as far as ``keeps`` says."""
        kept = [piece for piece in self.pieces if keeps(piece)]
        self.network.remove(self.host("focus"))
        self.network.run_for(away)
        return self.begin_again(kept)

    def begin_again(self, pieces: list[Piece]) -> list[sip.Event]:
        """Run a new Focus at the place of the old one."""
        self.restarts.append(self.network.now)
        farm, place = self.sim.farm, self.sim.farm.places["focus"]
        settings = CoreSettings(
            domain=farm.plan.domain,
            store=self.store,
            mcu_factory_url=farm.places["mcu-factory"].url(parts.MCU_FACTORY_PATH),
            callback_url=place.url(parts.FOCUS_PATH),
            policy=farm.plan.conference_policy,
        )
        entropy = sip.SeededEntropy(f"again {len(self.restarts)}".encode())
        element, cores = parts.server(place, ("focus",), settings, entropy=entropy, durable=True)
        assert element.pump is not None
        assert cores.focus is not None
        dialogs = element.pump.endpoint.restore(pieces, now=self.network.now)
        told = cores.focus.restore(pieces, now=self.network.now)
        farm.elements["focus"], farm.cores["focus"] = element, cores
        disk = self.host("focus").disk
        disk._written = {piece.key: piece for piece in pieces}
        host = self.network.add(element, place.host, disk=disk)
        self.sim.hosts["focus"] = host
        self._watch()
        host.feed(dialogs)
        host.run(told)
        return told

    @property
    def store(self) -> focus.MemoryStore:
        """The records, which outlast the Focus."""
        factory = self.sim.farm.cores["focus-factory"].focus_factory
        assert factory is not None
        store = factory._store
        assert isinstance(store, focus.MemoryStore)
        return store

    # Looking ---------------------------------------------------------------------------------------------------------

    def documents(self, name: str) -> list[tuple[float, str, int, bytes]]:
        """Each document that was sent to somebody: when, Call-ID of the subscription, version, and all of it."""
        host = self.sim.farm.places[name].host
        found = []
        for record in self.network.recording:
            if record.layer == "sip" and record.destination[0] == host:
                message = sip.parse_message(record.data)
                version = re.search(rb'<conference-info[^>]* version="(\d+)"', message.body)
                if version is not None:
                    found.append((record.at, message.call_id, int(version[1]), message.body))
        return found

    def invites(self, user: str) -> int:
        """How many calls an MCU has made to a phone, retransmissions apart."""
        seen = set()
        for record in self.network.recording:
            if record.layer == "sip" and record.data.startswith(b"INVITE sip:" + user.encode()):
                message = sip.parse_message(record.data)
                if message.to.tag is None:
                    seen.add(message.call_id)
        return len(seen)
