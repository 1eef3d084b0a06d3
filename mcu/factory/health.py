"""``getMcuHealth``: to the MCUs of a Factory's list, which do not announce themselves, and to whichever a Focus says
has failed (docs/design-decisions.rst)."""

from __future__ import annotations

from c3p import ExchangeFailure, ExchangeOwner, Exchanges, GetMcuHealth, Reply, Request
from mcu.config import FactoryConfig
from mcu.factory.registry import KnownMcu, Registry


class _Probe:
    """One question to one MCU, which is among ``open`` until it is answered; None for ``misses``: none is counted."""

    def __init__(self, mcu: KnownMcu, misses: int | None, lost: list[str], open: set[str]) -> None:
        self._mcu, self._misses, self._lost, self._open = mcu, misses, lost, open
        open.add(mcu.mcu_id)

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        self._open.discard(self._mcu.mcu_id)
        command = reply.document.command if reply.document is not None else None
        if reply.status == 503:
            self._mcu.draining = True
        elif isinstance(command, GetMcuHealth):
            self._mcu.report(
                conferences=command.conferences,
                legs=command.legs,
                capacity=command.capacity,
                draining=command.draining,
                now=now,
            )
        else:
            self._missed()

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        self._open.discard(self._mcu.mcu_id)
        self._missed()

    def _missed(self) -> None:
        if self._misses is None:
            return
        self._mcu.misses += 1
        if self._mcu.alive and self._mcu.misses >= self._misses:
            self._mcu.alive = False
            self._lost.append(self._mcu.mcu_id)


class HealthProbes:
    """Asks each MCU of the list every ``probe_interval``, when that is set, and others when somebody says so."""

    def __init__(self, config: FactoryConfig, registry: Registry, exchanges: Exchanges[ExchangeOwner]) -> None:
        self._config, self._registry, self._exchanges = config, registry, exchanges
        self._lost: list[str] = []
        self._open: set[str] = set()  #: ids of MCUs that have a question
        self._due = None if config.probe_interval is None or not config.mcus else 0.0
        self._requests = 0

    def next_timeout(self) -> float | None:
        return self._due

    def handle_timeout(self, *, now: float) -> None:
        if self._due is None or self._config.probe_interval is None or now < self._due:
            return
        self._due = now + self._config.probe_interval
        for mcu in self._registry:
            if mcu.principal is None:
                self._ask(mcu, self._config.probe_misses)

    def ask(self, mcu: KnownMcu) -> None:
        """See whether one is there that may have failed. No answer proves nothing: it announces itself, or does not."""
        if mcu.mcu_id not in self._open:
            self._ask(mcu, None)

    def take_lost(self) -> list[str]:
        """The ids of those that have left too many questions without answer, since the last call."""
        lost = self._lost[:]
        self._lost.clear()
        return lost

    def _ask(self, mcu: KnownMcu, misses: int | None) -> None:
        self._requests += 1
        request = Request(
            request_id=str(self._requests),
            from_=self._config.uri,
            to=mcu.sip_uri or mcu.http_url,
            command=GetMcuHealth(mcu_id=mcu.mcu_id),
        )
        probe = _Probe(mcu, misses, self._lost, self._open)
        timeout, peer = self._config.probe_timeout, mcu.principal or mcu.mcu_id
        self._exchanges.post(mcu.http_url, request, owner=probe, timeout=timeout, peer=peer)
