"""What goes over a simulated network, for whoever stands in the middle."""

from __future__ import annotations

import attrs


@attrs.frozen
class Passing:
    """What an element sends, before it arrives anywhere."""

    layer: str  #: "sip", or "http" for the document in a request or an answer
    sender: str  #: name of the element
    receiver: str  #: empty when nobody is there
    stream: object  #: what names a connection and its direction; None for datagrams and documents
    data: bytes = attrs.field(repr=False)
