"""The app-INVITE document: a presenter's client invites a user's client (MS-CONFBAS)."""

from __future__ import annotations

from typing import Annotated, Self

import attrs

from c3p.binding.fields import Attribute, Child, Kind, Text
from c3p.binding.node import Node
from c3p.binding.reader import reader
from c3p.binding.writer import render
from c3p.binding.xml import DEFAULT_LIMITS, DocumentLimits, local_name_of, parse_xml, tag_of
from c3p.errors import MalformedDocument

_ROOT = "Conferencing"
_SUBJECT = (b"<subject>", b"</subject>")


@attrs.frozen(kw_only=True, slots=False)
class FirstIm(Node):
    """``first-im``: an empty element."""


@attrs.frozen(kw_only=True, slots=False)
class OfferedMedia(Node):
    """``im``, ``audio`` or ``video``: whether the conference has it."""

    available: Annotated[bool | None, Attribute("available", kind=Kind.BOOLEAN)] = True
    first_im: Annotated[FirstIm | None, Child(None, "first-im")] = None


@attrs.frozen(kw_only=True, slots=False)
class ConferencingInvite(Node):
    """``Conferencing``, ``application/ms-conf-invite+xml``: it invites, it does not join anybody."""

    invite_version: Annotated[str | None, Attribute("version")] = "2.0"
    focus_uri: Annotated[str, Text(None, "focus-uri")]
    subject: Annotated[str | None, Text(None, "subject", Kind.TEXT)] = ""
    im: Annotated[OfferedMedia | None, Child(None, "im")] = None
    audio: Annotated[OfferedMedia | None, Child(None, "audio")] = None
    video: Annotated[OfferedMedia | None, Child(None, "video")] = None
    conversation_id: Annotated[str | None, Text(None, "conversation-id")] = None  #: from ``Ms-Conversation-ID``

    @classmethod
    def parse(cls, data: bytes, *, limits: DocumentLimits = DEFAULT_LIMITS) -> Self:
        """Read one. Raises MalformedDocument or DocumentTooLarge, both C3PError.

        A subject that was put in without escaping anything, as pidgin-sipe does it, is taken for text.
        """
        try:
            root = parse_xml(data, limits)
        except MalformedDocument:
            root = parse_xml(_with_escaped_subject(data), limits)
        if local_name_of(root) != _ROOT:
            raise MalformedDocument(f"not an invitation to a conference: {tag_of(root)[:200]}")
        return reader(cls).read(root)

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, _ROOT, "")


def _with_escaped_subject(data: bytes) -> bytes:
    """The document with the markup in its subject made text; as it is where it has no subject."""
    start, end = data.find(_SUBJECT[0]), data.rfind(_SUBJECT[1])
    if start < 0 or end < start:
        return data
    start += len(_SUBJECT[0])
    subject = data[start:end].replace(b"&", b"&amp;").replace(b"<", b"&lt;")
    return data[:start] + subject + data[end:]
