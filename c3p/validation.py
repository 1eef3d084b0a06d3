"""Whether a document is as its schema says, and where not (`c3p.schema_files`).

Receivers take much that is not: unknown content is ignored, other words are kept. What is found here is for those who
write a peer and want to know what is wrong with it, and for tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from typing import Final, SupportsBytes

import attrs
from lxml import etree

from c3p.binding.xml import DEFAULT_LIMITS, DocumentLimits, indented, parse_xml, tag_of
from c3p.namespaces import CCCP, PREFIXES
from c3p.schema_files import DRIVER

#: Violations that are told of one document. A broken document may have one for each element.
MOST_VIOLATIONS: Final = 100


@attrs.frozen(kw_only=True)
class Violation:
    """One thing that is wrong with a document."""

    line: int  #: in the bytes that were given, from 1; of a document class, in what its ``pretty()`` gives
    path: str  #: of the element, such as ``request/addUser/ci:user[2]``
    message: str  #: what the validator says

    def __str__(self) -> str:
        return f"line {self.line}, {self.path}: {self.message}"


def validate(document: bytes | SupportsBytes, *, limits: DocumentLimits = DEFAULT_LIMITS) -> tuple[Violation, ...]:
    """What is wrong with a document by the schemas of this package; empty when nothing is.

    Takes C3P requests, responses and notifications, conference-info, invitations, reports of delivery, states of
    composing and provisioning. Elements and attributes of other namespaces are allowed behind those that are known.
    Raises MalformedDocument and DocumentTooLarge, as `c3p.parse_document` does, for what is no XML or too much of it,
    and LocalProtocolError for a document with a value that does not fit into XML.
    """
    data = document if isinstance(document, bytes) else indented(bytes(document)).encode()
    root = parse_xml(data, limits)
    schema = _schema()
    if schema.validate(root):
        return ()
    prefixes = {prefix: uri for each in root.iter() for prefix, uri in each.nsmap.items() if prefix is not None}
    return tuple(
        Violation(line=error.line, path=_readable(root, error.path or "", prefixes), message=_shortened(error.message))
        for error in list(schema.error_log)[:MOST_VIOLATIONS]
    )


@cache
def _schema() -> etree.XMLSchema:
    """All schemas, read when first needed."""
    with as_file(files("c3p") / "schemas") as folder:
        return etree.XMLSchema(etree.parse(str(folder / DRIVER)))


def _readable(root: etree._Element, path: str, prefixes: Mapping[str, str]) -> str:
    """A path with the usual prefixes, and numbers where there are several. That of the validator is ``/*/a:b/*[2]``."""
    found = root.xpath(path, namespaces=dict(prefixes)) if path else None
    if not isinstance(found, list) or not found or not isinstance(found[0], etree._Element):
        return path  # a prefix that means several things
    steps: list[str] = []
    element: etree._Element | None = found[0]
    while element is not None:
        above = element.getparent()
        alike = [] if above is None else [each for each in above if each.tag == element.tag]
        number = f"[{alike.index(element) + 1}]" if len(alike) > 1 else ""
        steps.append(f"{_shortened(tag_of(element))}{number}")
        element = above
    return "/".join(reversed(steps))


def _shortened(text: str) -> str:
    """Names in Clark notation with the prefixes that are usual; what is of C3P itself has none."""
    for uri, prefix in PREFIXES.items():
        text = text.replace(f"{{{uri}}}", "" if uri == CCCP else f"{prefix}:")
    return text
