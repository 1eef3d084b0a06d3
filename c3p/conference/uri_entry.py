"""Entries of ``conf-uris``, ``service-uris``, ``uris`` and ``associated-aors`` (RFC 4575 section 5.3.1)."""

from __future__ import annotations

from typing import Annotated

import attrs

from c3p.binding.fields import Kind, Text
from c3p.binding.node import Node
from c3p.namespaces import CI


@attrs.frozen(kw_only=True, slots=False)
class UriEntry(Node):
    """One URI and what it is for. Key: ``uri``."""

    uri: Annotated[str | None, Text(CI, "uri")] = None
    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    purpose: Annotated[str | None, Text(CI, "purpose")] = None  #: the MCU type, in ``conf-uris``
