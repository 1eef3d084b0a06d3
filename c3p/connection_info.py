"""``connection-info``: how to reach an MCU (docs/commands.rst)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Self

import attrs

from c3p.binding.fields import Children, Kind, Text
from c3p.binding.node import Node
from c3p.namespaces import MSCP

MCU_SERVER_URI: Final = "Mcu-Server-Uri"  #: SIP URI of the MCU, usable as remote target
MCU_CONFERENCE_URI: Final = "Mcu-Conference-Uri"  #: the MCU-Conference-URI
MCU_HTTP_URI: Final = "Mcu-Http-Uri"  #: where the MCU takes C3P requests
MCU_ID: Final = "mcu-id"  #: name of the MCU at its factory


@attrs.frozen(kw_only=True, slots=False)
class ConnectionEntry(Node):
    """One key and its value."""

    key: Annotated[str | None, Text(MSCP, "key")] = None
    value: Annotated[str | None, Text(MSCP, "value", Kind.TEXT)] = None


@attrs.frozen(kw_only=True, slots=False)
class ConnectionInfo(Node):
    """Keys and values; keys are compared without regard to case."""

    entries: Annotated[tuple[ConnectionEntry, ...], Children(MSCP, "entry")] = ()

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Build one from a mapping, in its order."""
        return cls(entries=tuple(ConnectionEntry(key=key, value=value) for key, value in values.items()))

    def get(self, key: str) -> str | None:
        """Value of ``key``, None when there is none."""
        wanted = key.lower()
        return next((entry.value for entry in self.entries if (entry.key or "").lower() == wanted), None)
