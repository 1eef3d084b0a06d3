"""Where an allocated MCU is, as the MCU Factory says it in connection-info (docs/commands.rst)."""

from __future__ import annotations

from functools import cached_property
from urllib.parse import urlsplit

import attrs

from c3p import MCU_HTTP_URI, MCU_ID, MCU_SERVER_URI, ConnectionInfo, principal_of_worker


@attrs.frozen(kw_only=True)
class McuAddress:
    """An MCU as the MCU Factory named it."""

    mcu_id: str
    http_url: str
    sip_uri: str | None = None

    @cached_property
    def principals(self) -> frozenset[str]:
        """Names under which the MCU may authenticate itself.

        They are its id, the host of its URL (a certificate), and for a worker ``ID.n`` its principal ``ID``.
        """
        names = (self.mcu_id, urlsplit(self.http_url).hostname, principal_of_worker(self.mcu_id))
        return frozenset(name for name in names if name)

    @classmethod
    def of(cls, info: ConnectionInfo) -> McuAddress | None:
        """Read connection-info; None when the id or the URL is missing."""
        mcu_id, http_url = info.get(MCU_ID), info.get(MCU_HTTP_URI)
        if not mcu_id or not http_url:
            return None
        return cls(mcu_id=mcu_id, http_url=http_url, sip_uri=info.get(MCU_SERVER_URI))
