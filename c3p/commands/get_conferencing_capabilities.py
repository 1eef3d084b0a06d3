"""``getConferencingCapabilities`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Attribute, Child, Children, Kind, Text, Texts
from c3p.binding.node import Node
from c3p.commands.command import Command
from c3p.namespaces import CCCP


@attrs.frozen(kw_only=True, slots=False)
class AccessNumber(Node):
    """One telephone number of a region."""

    number: Annotated[str | None, Text(CCCP, "number")] = None


@attrs.frozen(kw_only=True, slots=False)
class Region(Node):
    """Telephone numbers of one region."""

    name: Annotated[str | None, Attribute("name", kind=Kind.TEXT)] = None
    access_numbers: Annotated[tuple[AccessNumber, ...], Children(CCCP, "access-number")] = ()


@attrs.frozen(kw_only=True, slots=False)
class AccessNumbers(Node):
    """Telephone numbers under which conferences can be reached."""

    regions: Annotated[tuple[Region, ...], Children(CCCP, "region")] = ()
    default_region: Annotated[str | None, Text(CCCP, "default-region", Kind.TEXT)] = None


@attrs.frozen(kw_only=True, slots=False)
class PstnBridging(Node):
    """Whether and where telephones are bridged in."""

    enabled: Annotated[bool | None, Text(CCCP, "enabled", Kind.BOOLEAN)] = None
    access_numbers: Annotated[AccessNumbers | None, Child(CCCP, "access-numbers")] = None


@attrs.frozen(kw_only=True, slots=False)
class GetConferencingCapabilities(Command):
    """Asks what the Focus Factory offers; clients use only the MCU types that the answer lists."""

    NAME: ClassVar[str] = "getConferencingCapabilities"
    IDEMPOTENT: ClassVar[bool] = True

    mcu_types: Annotated[tuple[str, ...], Texts(CCCP, "mcuType", wrapper=(CCCP, "mcu-types"))] = ()
    pstn_bridging: Annotated[PstnBridging | None, Child(CCCP, "pstn-bridging")] = None
