"""Unknown elements to and from XML. What is written needs nothing from around it but the default namespace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
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
    text = element.text
    if not len(element):
        return Unknown(tag_of(element), tuple(attributes_of(element)), (text,) if text else ())
    content: list[str | Unknown] = [text] if text else []
    for child in element:
        content.append(read_unknown(child))
        tail = child.tail
        if tail:
            content.append(tail)
    return Unknown(tag_of(element), tuple(attributes_of(element)), tuple(content))


#: Characters of a name that is remembered in its parts; no vocabulary has longer ones.
_LONGEST_KNOWN: Final = 200
#: Names that are remembered: those of some vocabularies.
_MOST_KNOWN: Final = 512


def split(name: str) -> tuple[str, str]:
    """Namespace ("" for none) and local name. Raises LocalProtocolError when the name is not one of XML."""
    return _split_known(name) if len(name) <= _LONGEST_KNOWN else _split(name)


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    if not _NAME.fullmatch(local):
        raise LocalProtocolError(f"not a name of XML: {name[:200]!r}")
    return namespace, local


_split_known: Final = lru_cache(maxsize=_MOST_KNOWN)(_split)


def attribute_text(out: Out, attributes: Iterable[tuple[str, str]]) -> str:
    """Attributes with a leading blank each, for ``out``; namespaces without a usual prefix are declared on the spot."""
    parts = []
    for number, (name, value) in enumerate(attributes):
        namespace, local = split(name)
        if not namespace:
            parts.append(f' {local}="{escape_attribute(value)}"')
            continue
        prefix = "xml" if namespace == XML else PREFIXES.get(namespace)
        if prefix is None:
            prefix = f"x{number}"
            parts.append(f' xmlns:{prefix}="{escape_attribute(namespace)}"')
        elif prefix != "xml":
            out.prefixes.add(prefix)
        parts.append(f' {prefix}:{local}="{escape_attribute(value)}"')
    return "".join(parts)


def _written_as(name: str, default: str) -> tuple[str, str, str, str]:
    """Tag, declaration, default namespace inside, and prefix ("" for none) of an element where ``default`` is one."""
    namespace, local = split(name)
    if namespace == default:
        return local, "", default, ""
    prefix = PREFIXES.get(namespace)
    if prefix:
        return f"{prefix}:{local}", "", default, prefix
    return local, f' xmlns="{escape_attribute(namespace)}"', namespace, ""


_known_as: Final = lru_cache(maxsize=_MOST_KNOWN)(_written_as)


def write_unknown(out: Out, unknown: Unknown, default: str) -> None:
    """Append an element; ``default`` is the default namespace at this place.

    Raises LocalProtocolError for names and text that XML cannot carry.
    """
    short = len(unknown.name) <= _LONGEST_KNOWN and len(default) <= _LONGEST_KNOWN
    tag, declaration, inner, prefix = (_known_as if short else _written_as)(unknown.name, default)
    if prefix:
        out.prefixes.add(prefix)
    attributes = attribute_text(out, unknown.attributes) if unknown.attributes else ""
    content = unknown.content
    if not content:
        out.append(f"<{tag}{declaration}{attributes}/>")
        return
    if len(content) == 1 and isinstance(content[0], str):
        out.append(f"<{tag}{declaration}{attributes}>{escape_text(content[0])}</{tag}>")
        return
    out.append(f"<{tag}{declaration}{attributes}>")
    for part in content:
        if isinstance(part, Unknown):
            write_unknown(out, part, inner)
        else:
            out.append(escape_text(part))
    out.append(f"</{tag}>")
