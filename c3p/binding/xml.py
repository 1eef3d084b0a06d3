"""Bytes to XML elements, for input that may be hostile; and text to XML.

No DTD, no entities, no network, no huge trees. Documents are UTF-8, or UTF-16 when they begin with its byte order
mark (XML 1.0 section 4.3.3), whatever their declaration says: peers exist that write UTF-8 under the name of UTF-16.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, cast

import attrs
from lxml import etree

from c3p.errors import DocumentTooLarge, LocalProtocolError, MalformedDocument
from c3p.field_types import checks_types
from c3p.shown import Shown

_BOM: Final = b"\xef\xbb\xbf"
_BOMS_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_SPACE: Final = b" \t\r\n"
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ATTRIBUTE_ESCAPES: Final = {**_ESCAPES, '"': "&quot;", "\t": "&#9;", "\n": "&#10;"}
_ILLEGAL: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"  # outside Char of XML 1.0 section 2.2
_ILLEGAL_CHARACTER: Final = re.compile(f"[{_ILLEGAL}]")
_SPECIAL: Final = re.compile(f"[&<>\r{_ILLEGAL}]")
_ATTRIBUTE_SPECIAL: Final = re.compile(f'[&<>\r"\t\n{_ILLEGAL}]')


@attrs.frozen(field_transformer=checks_types)
class DocumentLimits(Shown):
    """What one document may be at most."""

    size: int = 1 << 20  #: bytes; a roster of four users is 28 kB, so this holds some hundreds of users
    depth: int = 64  #: nested elements; conference-info needs 12, and recursion over unknown content stays cheap
    #: elements, with comments and instructions; a user of a roster has about 25, so this holds as many users as `size`
    elements: int = 20_000
    #: attributes of all elements, counted by the quotes of the document; half the elements of a roster have one
    attributes: int = 20_000


#: Attributes of one element. The largest known has 8; the time to list them grows with the square of their number.
MOST_ATTRIBUTES: Final = 256
DEFAULT_LIMITS: Final = DocumentLimits()
#: For documents of whoever has not shown yet who it is: 64 kB. What begins something (a conference, a join) has 1 to
#: 5 kB; rosters and other large documents come from those who are known.
STRANGERS_LIMITS: Final = DocumentLimits(size=64 << 10, elements=2_000, attributes=2_000)


def parse_xml(data: bytes, limits: DocumentLimits = DEFAULT_LIMITS) -> etree._Element:
    """The root element. Raises MalformedDocument, also for a DOCTYPE, and DocumentTooLarge."""
    if len(data) > limits.size:
        raise DocumentTooLarge(f"document of {len(data)} bytes, {limits.size} are allowed")
    text = data if data[:1] == b"<" else _utf8(data)
    if b"<!" in text and _has_doctype(text.lstrip(_SPACE)):
        raise MalformedDocument("a document type declaration is not allowed")
    attributes = _check_items(text, limits)
    try:
        root = etree.fromstring(text, _PARSER)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise MalformedDocument(f"not well-formed XML: {error}") from error
    # Each level but the deepest has a tag that opens it and one that closes it.
    if text.count(b"<") > 2 * limits.depth and _deeper_than(limits.depth)(root):
        raise DocumentTooLarge(f"elements are nested deeper than {limits.depth}")
    if attributes > MOST_ATTRIBUTES and _HAS_TOO_MANY_ATTRIBUTES(root):
        raise DocumentTooLarge(f"an element with more than {MOST_ATTRIBUTES} attributes")
    return root


def tag_of(element: etree._Element) -> str:
    """Name of an element in Clark notation. lxml takes others as well, and gives back what it was given."""
    return str(element.tag)


def local_name_of(element: etree._Element) -> str:
    """Name of an element in whatever namespace."""
    return tag_of(element).rpartition("}")[2]


def _check_items(text: bytes, limits: DocumentLimits) -> int:
    """Count what the tree would be made of, before it is built: building it is what costs. Return the attributes.

    Each start tag has a "<" that is no part of "</", and in text there is none; each attribute has two quotes.
    So no document has more of them than are counted here.
    """
    elements = text.count(b"<") - text.count(b"</")
    if elements > limits.elements:
        raise DocumentTooLarge(f"document of {elements} elements, {limits.elements} are allowed")
    attributes = (text.count(b'"') + text.count(b"'")) // 2
    if attributes > limits.attributes:
        raise DocumentTooLarge(f"document of {attributes} attributes, {limits.attributes} are allowed")
    return attributes


def _utf8(data: bytes) -> bytes:
    """The document as UTF-8 without a byte order mark.

    White space in front stays: before an XML declaration it is an error (XML 1.0 section 2.8), elsewhere it is not.
    """
    text = data.removeprefix(_BOM)
    if data.startswith(_BOMS_UTF16):
        try:
            text = data.decode("utf-16").encode()
        except UnicodeError as error:
            raise MalformedDocument(f"not UTF-16: {error}") from error
    if text.startswith(_BOM):
        # The parser would skip it, and what stands behind it would be hidden from the search for a DOCTYPE.
        raise MalformedDocument("two byte order marks")
    return text


_PARSER: Final = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


def _has_doctype(text: bytes) -> bool:
    """Whether a DOCTYPE stands before the root element. Looked for before parsing, so that it has no effect at all."""
    at = 0
    while text[at : at + 2] in (b"<?", b"<!"):
        if text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
        elif text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2)
        else:
            return True
        if end < 0:
            return False
        at = text.find(b"<", end)
        if at < 0:
            return False
    return False


def indented(data: bytes) -> str:
    """A document of ours with a line for each element, for people; white space is added that it does not have."""
    root = etree.fromstring(data, _PARSER)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


_HAS_TOO_MANY_ATTRIBUTES: Final = etree.XPath(f"boolean(//*[@*[{MOST_ATTRIBUTES + 1}]])")


@lru_cache(maxsize=8)
def _deeper_than(depth: int) -> etree.XPath:
    return etree.XPath("boolean(" + "/*" * (depth + 1) + ")")


def check_text(value: object) -> str:
    """The text itself. Raises LocalProtocolError when it is no text or XML 1.0 cannot carry it."""
    if not isinstance(value, str):
        raise LocalProtocolError(f"expected text, not {value!r}")
    illegal = _ILLEGAL_CHARACTER.search(value)
    if illegal:
        raise LocalProtocolError(f"XML cannot carry U+{ord(illegal[0]):04X}, in {value[:200]!r}")
    return value


def legible(text: str) -> str:
    """Text from elsewhere, fit for a document: U+FFFD stands for what XML 1.0 cannot carry."""
    return _ILLEGAL_CHARACTER.sub("\ufffd", text)


def escape_text(value: object) -> str:
    """Text as content of an element. Raises LocalProtocolError when XML cannot carry it."""
    if not isinstance(value, str) or _SPECIAL.search(value):
        return "".join(_ESCAPES.get(character, character) for character in check_text(value))
    return value


def escape_attribute(value: object) -> str:
    """Text as value of an attribute in double quotes. Raises LocalProtocolError when XML cannot carry it."""
    if not isinstance(value, str) or _ATTRIBUTE_SPECIAL.search(value):
        return "".join(_ATTRIBUTE_ESCAPES.get(character, character) for character in check_text(value))
    return value


#: Attributes of an element in document order, names in Clark notation; `parse_xml` has limited their number.
attributes_of: Final = cast("Callable[[etree._Element], list[tuple[str, str]]]", etree._Element.items)
