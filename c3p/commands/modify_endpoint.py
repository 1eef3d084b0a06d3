"""``modifyEndpoint`` (c3p.md section 7.9; shape inferred)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child
from c3p.commands.command import Command
from c3p.conference.user import Endpoint
from c3p.keys import EndpointKeys
from c3p.namespaces import CCCP, CI


@attrs.frozen(kw_only=True, slots=False)
class ModifyEndpoint(Command):
    """Changes attributes of one endpoint."""

    NAME: ClassVar[str] = "modifyEndpoint"
    IDEMPOTENT: ClassVar[bool] = True

    endpoint_keys: Annotated[EndpointKeys | None, Child(CCCP, "endpointKeys")] = None
    endpoint: Annotated[Endpoint | None, Child(CI, "endpoint")] = None
