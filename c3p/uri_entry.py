"""Entries of ``conf-uris``, ``service-uris``, ``uris`` and ``associated-aors`` (RFC 4575 section 5.3.1)."""

from __future__ import annotations

from typing import Annotated

import attrs

from c3p.fields import Kind, Text
from c3p.namespaces import CI
from c3p.node import Node


@attrs.frozen(kw_only=True, slots=False)
class UriEntry(Node):
    """One URI and what it is for. Key: ``uri``."""

    uri: Annotated[str | None, Text(CI, "uri")] = None
    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    purpose: Annotated[str | None, Text(CI, "purpose")] = None  #: the MCU type, in ``conf-uris``
