"""Opens TCP and TLS connections."""

import asyncio
import ssl
from functools import partial

from sip.aio.settings import TlsContexts, TransportSettings
from sip.aio.stream import Connection, StreamOwner
from sip.flow import Destination


async def open_connection(
    owner: StreamOwner,
    destination: Destination,
    *,
    local_host: str | None,
    tls: TlsContexts,
    settings: TransportSettings,
) -> Connection:
    """Connect to a destination, from ``local_host`` where it is given.

    Raises OSError (`ssl.SSLError` and TimeoutError among them) when there is no connection or when the peer cannot
    prove who it is.
    """
    name = destination.server_name or destination.host
    context = tls.client if destination.transport == "TLS" else None
    if destination.transport == "TLS" and context is None:
        raise OSError("TLS was asked for and TlsContexts has no client context")
    must_prove = name if context is not None and context.verify_mode is not ssl.CERT_NONE else None
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(settings.connect_timeout):
            _, connection = await loop.create_connection(
                partial(Connection, owner, accepted=False, write_buffer=settings.write_buffer, must_prove=must_prove),
                destination.host,
                destination.port,
                ssl=context,
                server_hostname=name if context is not None else None,
                local_addr=(local_host, 0) if local_host is not None else None,
            )
    except ssl.SSLError:  # a certificate that does not verify is a ValueError too
        raise
    except ValueError as error:  # a host, or a name for TLS, that none can be
        raise OSError(str(error)) from error
    if connection.refusal is not None:
        raise (ssl.SSLCertVerificationError if connection.unproven else OSError)(connection.refusal)
    return connection
