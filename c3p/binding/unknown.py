"""Unknown elements to and from XML. What is written needs nothing from around it but the default namespace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lxml import etree

from c3p.binding.node import Unknown
from c3p.binding.out import Out
from c3p.binding.xml import attributes_of, escape_attribute, escape_text, tag_of
from c3p.errors import LocalProtocolError
from c3p.namespaces import PREFIXES, XML

# NCName without the rare planes; what a parser let through in other scripts is covered by \w.
_NAME: Final = re.compile(r"[^\W\d][\w.\-\u00b7]*")


def read_unknown(element: etree._Element) -> Unknown:
    """Keep an element. Its depth is bounded by :class:`c3p.binding.xml.DocumentLimits`."""
    content: list[str | Unknown] = [element.text] if element.text else []
    for child in element:
        content.append(read_unknown(child))
        if child.tail:
            content.append(child.tail)
    return Unknown(tag_of(element), tuple(attributes_of(element)), tuple(content))


def split(name: str) -> tuple[str, str]:
    """Namespace ("" for none) and local name. Raises LocalProtocolError when the name is not one of XML."""
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    if not _NAME.fullmatch(local):
        raise LocalProtocolError(f"not a name of XML: {name[:200]!r}")
    return namespace, local


def attribute_text(out: Out, attributes: Iterable[tuple[str, str]]) -> str:
    """Attributes with a leading blank each, for ``out``; namespaces without a usual prefix are declared on the spot."""
    parts = []
    for number, (name, value) in enumerate(attributes):
        namespace, local = split(name)
        prefix = "xml" if namespace == XML else PREFIXES.get(namespace)
        if namespace and prefix is None:
            prefix = f"x{number}"
            parts.append(f' xmlns:{prefix}="{escape_attribute(namespace)}"')
        elif prefix and prefix != "xml":
            out.prefixes.add(prefix)
        label = f"{prefix}:{local}" if prefix else local
        parts.append(f' {label}="{escape_attribute(value)}"')
    return "".join(parts)


def write_unknown(out: Out, unknown: Unknown, default: str) -> None:
    """Append an element; ``default`` is the default namespace at this place.

    Raises LocalProtocolError for names and text that XML cannot carry.
    """
    namespace, local = split(unknown.name)
    prefix = PREFIXES.get(namespace)
    if namespace == default:
        tag, declaration, inner = local, "", default
    elif prefix:
        tag, declaration, inner = f"{prefix}:{local}", "", default
        out.prefixes.add(prefix)
    else:
        tag, declaration, inner = local, f' xmlns="{escape_attribute(namespace)}"', namespace
    out.append(f"<{tag}{declaration}{attribute_text(out, unknown.attributes)}")
    if not unknown.content:
        out.append("/>")
        return
    out.append(">")
    for part in unknown.content:
        if isinstance(part, Unknown):
            write_unknown(out, part, inner)
        else:
            out.append(escape_text(part))
    out.append(f"</{tag}>")
