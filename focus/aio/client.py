"""A conferencing client to await."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from c3p import AdmissionPolicy, McuType
from focus.aio.conference import Conference
from focus.aio.connection import Connection, ConnectSettings, opened
from focus.aio.errors import CommandError
from focus.client import CapabilitiesReceived, Client, CommandFailed, ConferenceCreated
from sip import Uri


class ConferencingClient:
    """Somebody who creates conferences, and is in one at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def machine(self) -> Client:
        """The client without I/O."""
        return self._connection.client

    @property
    def aor(self) -> str:
        """Who we are."""
        return self.machine.config.aor

    async def create(
        self,
        *,
        subject: str | None = None,
        presenters: Sequence[str] = (),
        mcu_types: Sequence[str] = (McuType.AUDIO_VIDEO,),
        admission_policy: str = AdmissionPolicy.OPEN_AUTHENTICATED,
        lobby: bool = False,
        passcode: str | None = None,
    ) -> Conference:
        """Create a conference; join it next. Raises CommandError."""
        event = await self._connection.give(
            lambda now: self.machine.create_conference(
                subject=subject,
                presenters=presenters,
                mcu_types=mcu_types,
                admission_policy=admission_policy,
                lobby=lobby,
                passcode=passcode,
                now=now,
            )
        )
        if isinstance(event, CommandFailed):
            raise CommandError("cannot create a conference", event)
        assert isinstance(event, ConferenceCreated)
        return self.conference(event.conference_uri)

    def conference(self, uri: Uri | str) -> Conference:
        """A conference that exists, by its URI or join link; join it next."""
        return Conference(self._connection, str(uri))

    async def capabilities(self) -> tuple[str, ...]:
        """The types of MCU that the server has. Raises CommandError."""
        event = await self._connection.give(lambda now: self.machine.get_capabilities(now=now))
        if isinstance(event, CommandFailed):
            raise CommandError("cannot ask the Focus Factory", event)
        assert isinstance(event, CapabilitiesReceived)
        return event.mcu_types


@contextlib.asynccontextmanager
async def connect(
    server: Uri | str,
    *,
    aor: str | None,
    password: str | None = None,
    username: str | None = None,
    display_name: str | None = None,
    settings: ConnectSettings | None = None,
) -> AsyncIterator[ConferencingClient]:
    """A client of the Focus at ``server`` (``192.0.2.1:5060`` or a SIP URI; over TCP unless it says another transport).

    ``aor`` is who we are; None is a guest, who joins with the passcode of a conference. At the end of the block the
    conference is left. Raises ListenFailed, OSError when there is no way to the server, LocalProtocolError.
    """
    async with opened(
        server,
        aor=aor,
        password=password,
        username=username,
        display_name=display_name,
        settings=settings or ConnectSettings(),
    ) as connection:
        yield ConferencingClient(connection)
