"""Documents with one thing wrong: one element or attribute changed, emptied, doubled or taken away.

For tests of whoever reads documents, in this package and in yours. Which thing, and what stands there, is drawn by
Hypothesis (extra ``testing``).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from lxml import etree

try:
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover - the extra is there wherever tests run
    raise ImportError("c3p.altering needs hypothesis: pip install '.[testing]' in a checkout") from error

from c3p.binding.xml import parse_xml

#: Values that some peer has written, or will: other spellings, other schemes, nothing, too much, too far.
ODD_VALUES: Final = (
    *("", " ", "0", "-1", "+1", "1", "twelve", "9" * 400, "18446744073709551616", "1e3", "0x10", "NaN"),
    *("TRUE", "false", "yes", "Partial", "FULL", "deleted", "full", "partial", "pending", "success", "failure"),
    *("Block", "unblock", "recvonly", "Dialed-Out", "dialed-in", "focus-owner", "presenter", "Presenter", "default"),
    *("connected", "disconnected", "audio", "audio-video", "AudioVideo", "focus", "chat", "openAuthenticated"),
    *("mailto:a@b", "sip:", "sip:@", "sip:a b@example.com", "sip:zoë@example.com", "sip:a@[::1", "sip:a@[::1%eth0]"),
    *("tel:+4930123456", "tel:", "http://example.com:999999/", "http://[::1", "urn:uuid:1", "sip:%zz@example.com"),
    *("sip:alice@example.com", "sip:alice@example.com;gruu;opaque=app:conf:focus:id:OTHER", "alice@example.com"),
    *(
        "{}",
        "{00000000-0000-0000-0000-000000000000}",
        "not-a-guid",
        "x" * 3000,
        "東京 🎧",
        "a\"'<&>",
        "\u200b",
        "a\tb\nc",
    ),
    *("2026-13-45T99:00:00Z", "2026-01-01", "0000-00-00T00:00:00Z", "9999999-01-01T00:00:00Z", "yesterday"),
)


@st.composite
def altered(draw: st.DrawFn, data: bytes) -> bytes:
    """The document with one alteration; still XML, but for those who want it no longer one root."""
    root = parse_xml(data)
    elements = list(root.iter())
    element = elements[draw(st.integers(0, len(elements) - 1))]
    if element.attrib and draw(st.booleans()):
        _alter_attribute(draw, element)
    else:
        _alter_element(draw, element)
    return etree.tostring(root, encoding="utf-8", xml_declaration=draw(st.booleans()))


def _alter_attribute(draw: st.DrawFn, element: etree._Element) -> None:
    name = draw(st.sampled_from(sorted(str(each) for each in element.attrib)))
    value = element.attrib[name]
    action = draw(st.sampled_from(("remove", "replace", "spell", "double")))
    if action == "remove":
        del element.attrib[name]
    elif action == "double":
        element.set(f"{{urn:example:other}}{name.rpartition('}')[2]}", value)
    else:
        element.set(name, draw(st.sampled_from(ODD_VALUES)) if action == "replace" else value.swapcase())


def _alter_element(draw: st.DrawFn, element: etree._Element) -> None:
    parent = element.getparent()
    actions = ("empty", "text", "rename") if parent is None else ("empty", "text", "rename", "remove", "double", "nest")
    action = draw(st.sampled_from(actions))
    if action == "empty":
        for child in list(element):
            element.remove(child)
        element.text = None
    elif action == "text":
        element.text = draw(st.sampled_from(ODD_VALUES))
    elif action == "rename":
        element.tag = draw(st.sampled_from(("other", "{urn:example:other}other", str(element.tag) + "x")))
    elif parent is not None and action == "remove":
        parent.remove(element)
    elif parent is not None and action == "double":
        parent.insert(parent.index(element), deepcopy(element))
    else:
        element.append(deepcopy(element))
