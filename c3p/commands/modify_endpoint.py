"""``modifyEndpoint`` (docs/commands.rst; shape inferred)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child, Kind, Text
from c3p.commands.command import Command
from c3p.conference.user import Endpoint
from c3p.keys import EndpointKeys
from c3p.namespaces import CCCP, CI, MSCP


@attrs.frozen(kw_only=True, slots=False)
class ModifyEndpoint(Command):
    """Changes attributes of one endpoint: its ``status`` to ``on-hold`` or ``connected``, gains, keys; one at a time.

    Gains and keys are extensions of this project.
    """

    NAME: ClassVar[str] = "modifyEndpoint"
    IDEMPOTENT: ClassVar[bool] = False  #: keys that are pressed twice are another number

    endpoint_keys: Annotated[EndpointKeys | None, Child(CCCP, "endpointKeys")] = None
    endpoint: Annotated[Endpoint | None, Child(CI, "endpoint")] = None
    input_gain: Annotated[int | None, Text(MSCP, "input-gain", Kind.UINT)] = None  #: for what it says, in per cent
    output_gain: Annotated[int | None, Text(MSCP, "output-gain", Kind.UINT)] = None  #: for what it hears, in per cent
    digits: Annotated[str | None, Text(MSCP, "send-digits")] = attrs.field(
        default=None, repr=False
    )  #: keys to be pressed to it
