"""``getMcuHealth`` to the MCUs of a Factory's list: those that do not announce themselves (decisions 2)."""

from __future__ import annotations

from c3p import ExchangeFailure, ExchangeOwner, Exchanges, GetMcuHealth, Reply, Request
from mcu.config import FactoryConfig
from mcu.factory.registry import KnownMcu, Registry


class _Probe:
    """One question to one MCU."""

    def __init__(self, mcu: KnownMcu, misses: int, lost: list[str]) -> None:
        self._mcu, self._misses, self._lost = mcu, misses, lost

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        command = reply.document.command if reply.document is not None else None
        if reply.status == 503:
            self._mcu.draining = True
        elif isinstance(command, GetMcuHealth):
            self._mcu.report(
                conferences=command.conferences,
                legs=command.legs,
                capacity=command.capacity,
                draining=command.draining,
            )
        else:
            self._missed()

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        self._missed()

    def _missed(self) -> None:
        self._mcu.misses += 1
        if self._mcu.alive and self._mcu.misses >= self._misses:
            self._mcu.alive = False
            self._lost.append(self._mcu.mcu_id)


class HealthProbes:
    """Asks each MCU of the list every ``probe_interval``; does nothing when that is not set."""

    def __init__(self, config: FactoryConfig, registry: Registry, exchanges: Exchanges[ExchangeOwner]) -> None:
        self._config, self._registry, self._exchanges = config, registry, exchanges
        self._lost: list[str] = []
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
                self._ask(mcu)

    def take_lost(self) -> list[str]:
        """The ids of those that have left too many questions without answer, since the last call."""
        lost = self._lost[:]
        self._lost.clear()
        return lost

    def _ask(self, mcu: KnownMcu) -> None:
        self._requests += 1
        request = Request(
            request_id=str(self._requests),
            from_=self._config.uri,
            to=mcu.sip_uri or mcu.http_url,
            command=GetMcuHealth(mcu_id=mcu.mcu_id),
        )
        probe = _Probe(mcu, self._config.probe_misses, self._lost)
        timeout = self._config.probe_timeout
        self._exchanges.post(mcu.http_url, request, owner=probe, timeout=timeout, peer=mcu.mcu_id)
