"""What a man in the middle does to bodies: one line of a session description, one element or attribute of XML."""

from __future__ import annotations

import copy
import enum
import re
from typing import Final

import attrs
from lxml import etree

_CONTROL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BodyHow(enum.Enum):
    """What is done to one part of a body."""

    REPLACE = "its value is junk"
    DOUBLE = "it stands there twice"
    EMPTY = "it has no value"
    REMOVE = "it is not there"


@attrs.frozen
class BodyAlteration:
    """What is done to the body of which message, counted by different messages from 0, and to which part of it."""

    message: int
    part: int  #: line, or element and attribute, modulo their number
    how: BodyHow
    junk: str

    def apply(self, body: bytes) -> bytes:
        """The body as it arrives; one that is neither XML nor a session description stays as it is."""
        if body.startswith(b"v="):
            return self._line(body)
        try:
            return self._element(body)
        except etree.XMLSyntaxError:
            return body

    def _line(self, body: bytes) -> bytes:
        lines = body.split(b"\r\n")
        at = self.part % max(1, len(lines) - 1)
        line, junk = lines[at], self.junk.encode("utf-8", "surrogateescape")
        changed = {
            BodyHow.REPLACE: [line[:2] + junk],
            BodyHow.DOUBLE: [line, line],
            BodyHow.EMPTY: [line[:2]],
            BodyHow.REMOVE: [],
        }
        lines[at : at + 1] = changed[self.how]
        return b"\r\n".join(lines)

    def _element(self, body: bytes) -> bytes:
        root = etree.fromstring(body)
        places = [(each, name) for each in root.iter(etree.Element) for name in (None, *each.attrib)]
        element, name = places[self.part % len(places)]
        junk = _CONTROL.sub("?", self.junk)
        if name is not None:
            self._attribute(element, str(name), junk)
        else:
            self._whole(element, junk)
        return etree.tostring(root)

    def _attribute(self, element: etree._Element, name: str, junk: str) -> None:
        if self.how is BodyHow.REMOVE:
            del element.attrib[name]
        else:
            value = str(element.attrib[name])
            changed = {BodyHow.REPLACE: junk, BodyHow.DOUBLE: value + value, BodyHow.EMPTY: ""}
            element.attrib[name] = changed[self.how]

    def _whole(self, element: etree._Element, junk: str) -> None:
        parent = element.getparent()
        if self.how is BodyHow.REPLACE:
            element.text = junk
        elif self.how is BodyHow.EMPTY:
            element.text = None
            for child in list(element):
                element.remove(child)
        elif parent is not None and self.how is BodyHow.DOUBLE:
            parent.insert(parent.index(element), copy.deepcopy(element))
        elif parent is not None:
            parent.remove(element)
