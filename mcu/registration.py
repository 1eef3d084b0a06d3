"""The MCU announces itself to its Factories: every 10 s, and soon after something changed."""

from __future__ import annotations

from c3p import Code, ExchangeFailure, RegisterMcu, Reply, Request
from mcu.context import Context
from mcu.events import RegistrationAccepted, RegistrationRefused

CHANGE_DELAY = 1.0  #: seconds between announcements at least: a busy minute is not a flood


class Registration:
    """To one Factory: one announcement at a time; a lost one is made good by the next."""

    def __init__(self, context: Context, url: str, principal: str) -> None:
        self._context, self._url, self._principal = context, url, principal
        self._due = 0.0  #: when the next one is to be made
        self._last = -CHANGE_DELAY
        self._under_way = False
        self._requests = 0
        self._told: RegistrationRefused | None = None  #: the refusal that the application knows of
        self._next_at(0.0)

    def changed(self, *, now: float) -> None:
        """The load or the readiness of this MCU is another one."""
        self._next_at(min(self._due, max(now, self._last + CHANGE_DELAY)))

    def _next_at(self, at: float) -> None:
        """Announce at that time, but not before the last announcement came to something."""
        self._due = at
        self._context.deadlines.set(self, None if self._under_way else at)

    def due(self, *, now: float) -> None:
        """Announce."""
        url, config = self._url, self._context.config
        self._last, self._under_way = now, True
        self._next_at(now + config.register_interval)
        self._requests += 1
        request = Request(
            request_id=str(self._requests), from_=str(config.sip_contact), to=url, command=self._announcement()
        )
        timeout, peer = config.register_interval / 2, self._principal
        self._context.exchanges.post(url, request, owner=self, timeout=timeout, peer=peer)

    def _announcement(self) -> RegisterMcu:
        context, config = self._context, self._context.config
        return RegisterMcu(
            mcu_id=config.mcu_id,
            http_url=config.http_url,
            sip_uri=str(config.sip_contact),
            mcu_types=(context.kind.mcu_type,),
            conferences=len(context.conferences),
            legs=len(context.legs),
            capacity=config.max_legs,
            draining=context.draining,
        )

    def _came_to_something(self) -> None:
        self._under_way = False
        self._next_at(self._due)

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        self._came_to_something()
        refused = self._refusal(reply)
        if refused is not None:
            self._context.counters["announcements refused"] += 1
            if refused != self._told:
                self._context.emit(refused)
        elif self._told is not None:
            self._context.emit(RegistrationAccepted(owner=self._told.owner, url=self._told.url))
        self._told = refused

    def _refusal(self, reply: Reply) -> RegistrationRefused | None:
        """What a reply says, None when the Factory has taken the announcement."""
        response, config = reply.document, self._context.config
        failed = response is not None and response.code is Code.FAILURE
        if 200 <= reply.status < 300 and not failed:
            return None
        reason = (response.diagnostics or response.reason) if response is not None else None
        return RegistrationRefused(owner=config.owner, url=self._url, status=reply.status, reason=reason)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        self._came_to_something()
        config = self._context.config
        lost = RegistrationRefused(owner=config.owner, url=self._url, status=None, reason=reason.value)
        if self._told is None or self._told.status is not None:
            self._context.emit(lost)
        self._told = lost
        self._context.counters["announcements lost"] += 1


class Registrations:
    """Those at all Factories of the settings."""

    def __init__(self, context: Context) -> None:
        config = context.config
        first = [(config.factory_url, config.factory_principal)] if config.factory_url is not None else []
        self._all = [Registration(context, url, principal) for url, principal in (*first, *config.more_factories)]

    def changed(self, *, now: float) -> None:
        """The load or the readiness of this MCU is another one."""
        for each in self._all:
            each.changed(now=now)
