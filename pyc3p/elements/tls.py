"""The TLS of one process: contexts made of the files that the settings name, and made again when these have changed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from pyc3p.elements.certificates import client_context, load_identity, server_context
from pyc3p.settings.c3p import C3pSettings
from pyc3p.settings.tls import TlsSettings
from sip.aio import TlsContexts, TlsFaultKind, TlsFaults, TlsListener

#: Seconds for a handshake, the silence before it included; peers of C3P are servers nearby.
_HANDSHAKE = 5.0


class SipTls:
    """SIP over TLS."""

    def __init__(self, settings: TlsSettings) -> None:
        """Raises UsageProblem for files that cannot be used."""
        self._settings = settings
        self.contexts = self._load()

    def reload(self) -> None:
        """Read the files again; raises UsageProblem, and then everything stays as it was."""
        self.contexts = self._load()

    def _load(self) -> TlsContexts:
        settings = self._settings
        identities = [load_identity(each.certificate, each.key) for each in settings.identities]
        required = settings.require_client_certificate
        return TlsContexts(
            server=server_context(identities, ca=settings.ca, require_client_certificate=required)
            if identities
            else None,
            # Who is at the other end is judged by RFC 5922, which the context does not know.
            client=client_context(identities[0] if identities else None, ca=settings.ca, check_hostname=False),
        )


class C3pTls:
    """C3P over HTTPS, with certificates on both ends; within the process secrets take the place of ours."""

    def __init__(self, settings: C3pSettings) -> None:
        """Raises UsageProblem for files that cannot be used."""
        self._settings = settings
        self._load()

    def reload(self) -> None:
        """Read the files again; raises UsageProblem, and then everything stays as it was."""
        self._load()

    def _load(self) -> None:
        settings = self._settings
        identity = load_identity(settings.certificate, settings.key)
        server = server_context([identity], ca=settings.ca)
        certified, anonymous = client_context(identity, ca=settings.ca), client_context(ca=settings.ca)
        # All or nothing: nothing of the above has failed.
        self.server, self.certified, self.anonymous, self.name = server, certified, anonymous, identity.names[0]

    def client(self, *, has_secret: bool) -> ssl.SSLContext:
        """For a peer that is shown a secret, or our certificate: never both, since they could disagree."""
        return self.anonymous if has_secret else self.certified

    async def listen(
        self, protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int, faults: TlsFaults
    ) -> TlsListener:
        """Take connections that prove their TLS; raises OSError."""
        listener = TlsListener(
            protocol,
            lambda: self.server,
            timeout=_HANDSHAKE,
            on_plain=lambda source: faults.report(TlsFaultKind.PLAIN_ON_TLS_PORT, source, port),
            on_failure=lambda source, why: faults.report(TlsFaultKind.CLIENT, source, port, why),
        )
        await listener.start(host, port)
        return listener
