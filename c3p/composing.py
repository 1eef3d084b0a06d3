"""Whether somebody is writing a message just now (RFC 3994)."""

from __future__ import annotations

from typing import Annotated, Final, Self

import attrs

from c3p.binding.fields import Kind, Text
from c3p.binding.node import Node
from c3p.binding.reader import reader
from c3p.binding.writer import render
from c3p.binding.xml import STRANGERS_LIMITS, DocumentLimits, local_name_of, parse_xml, tag_of
from c3p.errors import MalformedDocument

COMPOSING_TYPE: Final = "application/im-iscomposing+xml"
_NAMESPACE: Final = "urn:ietf:params:xml:ns:im-iscomposing"
_ROOT: Final = "isComposing"
ACTIVE: Final = "active"  #: every other state counts as idle (RFC 3994 section 3.4)
DEFAULT_REFRESH: Final = 120  #: seconds that an active state holds when nothing is said (section 3.1 there)


@attrs.frozen(kw_only=True, slots=False)
class Composing(Node):
    """``isComposing``: the state of somebody's message."""

    state: Annotated[str, Text(_NAMESPACE, "state")]
    last_active: Annotated[str | None, Text(_NAMESPACE, "lastactive")] = None  #: xs:dateTime
    content_type: Annotated[str | None, Text(_NAMESPACE, "contenttype")] = None  #: of the message that is being written
    refresh: Annotated[int | None, Text(_NAMESPACE, "refresh", Kind.UINT)] = None  #: seconds that ``active`` holds

    @property
    def active(self) -> bool:
        """Whether somebody is writing."""
        return self.state == ACTIVE

    @classmethod
    def parse(cls, data: bytes, *, limits: DocumentLimits = STRANGERS_LIMITS) -> Self:
        """Read one. Raises MalformedDocument or DocumentTooLarge, both C3PError."""
        root = parse_xml(data, limits)
        if local_name_of(root) != _ROOT:
            raise MalformedDocument(f"not a state of composing: {tag_of(root)[:200]}")
        return reader(cls).read(root)

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, _ROOT, _NAMESPACE)
