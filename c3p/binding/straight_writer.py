"""A writer of one class in straight lines: one statement for each field, and no loop over them.

A node has many fields and few values. What is absent costs one comparison; text that is written as it stands
(`c3p.binding.values.is_plain`) costs no call of ours. The statements come from the slots of the class, which also write
what is rare; nodes with unknown content are not written here.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from c3p.binding.node import NOTHING
from c3p.binding.slots import AttributeSlot, ChildSlot, ElementSlot, TextSlot, TextsSlot, WrappedSlot, WriteNode
from c3p.binding.values import is_plain, is_well_known
from c3p.namespaces import CIS, PREFIXES

SEPARATOR: Final = "<cis:separator/>"
_PLAIN: Final = "isinstance(value, str) and (is_well_known(value) or is_plain(value))"
_HEAD: Final = """\
def write(out, tag, node, children=()):
    values = node.__dict__
    if values["extra"] is not NOTHING:
        return write_whole(out, tag, node, children)
    add = out.prefixes.add
    head, body, generation = f"<{tag}", "", 0
"""
#: What is there so far goes out before a child writes itself.
_FLUSH: Final = """\
    out.append(f"{head}>{body}" if head else body)
    head = body = ""
"""
_FOOT: Final = """\
    if children:
        out.append(f"{head}>{body}" if head else body)
        head = body = ""
        write_others(out, children)
    if not head:
        out.append(f"{body}</{tag}>")
    elif body:
        out.append(f"{head}>{body}</{tag}>")
    else:
        out.append(f"{head}/>")
"""


def straight_writer(
    attributes: Sequence[AttributeSlot],
    slots: Sequence[ElementSlot],
    *,
    write_whole: Callable[..., None],
    write_others: Callable[..., None],
    lacking: Callable[[str], Exception],
    of: str,
) -> WriteNode:
    """The writer: appends the element of a node to ``out``; ``of`` names the class in tracebacks.

    ``write_whole`` writes nodes with unknown content, ``write_others`` the children that follow a node's own, and
    ``lacking`` is raised for a field that must have a value.
    """
    names: dict[str, Any] = {
        "NOTHING": NOTHING,
        "is_plain": is_plain,
        "is_well_known": is_well_known,
        "write_whole": write_whole,
        "write_others": write_others,
        "lacking": lacking,
    }
    lines = [_HEAD]
    for number, attribute in enumerate(attributes):
        lines += _attribute(attribute, f"a{number}", names)
    generations = False  # whether a field before may have written separators
    for number, slot in enumerate(slots):
        lines += _element(slot, f"e{number}", names, generations)
        generations = generations or slot.generation > 0
    lines.append(_FOOT)
    source = "".join(lines)
    file = f"{__file__}:{of}"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # for tracebacks
    exec(compile(source, file, "exec"), names)
    write: WriteNode = names["write"]
    return write


def _attribute(slot: AttributeSlot, key: str, names: dict[str, Any]) -> Iterator[str]:
    names[f"{key}_text"] = slot.text
    yield f"    value = values[{slot.name!r}]\n"
    yield _if_present(slot.blank)
    for prefix in slot.prefixes:
        yield f"        add({prefix!r})\n"
    lead = _literal(slot.lead)
    other = f"""f'{lead}{{{key}_text(value)}}"'"""
    if slot.words:
        yield f"""        head += f'{lead}{{value}}"' if {_PLAIN} else {other}\n"""
    else:
        yield f"        head += {other}\n"
    if slot.required:
        yield f"    else:\n        raise lacking({slot.name!r})\n"


def _element(slot: ElementSlot, key: str, names: dict[str, Any], separated: bool) -> Iterator[str]:
    names[key] = slot
    yield f"    value = values[{slot.name!r}]\n"
    if slot.also:
        yield f"    if not {key}.absent(values):\n"
    else:
        yield _if_present(slot.blank)
    if slot.generation:
        if separated:
            yield f"        if generation < {slot.generation}:\n"
            yield f"            body += {SEPARATOR!r} * ({slot.generation} - generation)\n"
            yield f"            generation = {slot.generation}\n"
            yield f"            add({PREFIXES[CIS]!r})\n"
        else:
            yield f"        body += {SEPARATOR * slot.generation!r}\n"
            yield f"        generation = {slot.generation}\n"
            yield f"        add({PREFIXES[CIS]!r})\n"
    for prefix in slot.prefixes:
        yield f"        add({prefix!r})\n"
    yield from _content(slot, key, names)
    if slot.required:
        yield f"    else:\n        raise lacking({slot.name!r})\n"


def _content(slot: ElementSlot, key: str, names: dict[str, Any]) -> Iterator[str]:
    opening, closing = _literal(slot.opening), _literal(slot.closing)
    if isinstance(slot, TextSlot):
        names[f"{key}_text"] = slot.text
        other = f"f'{opening}{{{key}_text(value)}}{closing}'"
        if slot.words:
            yield f"        body += f'{opening}{{value}}{closing}' if {_PLAIN} else {other}\n"
        else:
            yield f"        body += {other}\n"
    elif isinstance(slot, WrappedSlot) and not slot.also and isinstance(slot.inner, TextsSlot):
        yield f"        body += {slot.opening!r}\n"
        yield from _content(slot.inner, key, names)
        yield f"        body += {slot.closing!r}\n"
    elif isinstance(slot, TextsSlot):
        names[f"{key}_text"] = slot.text
        yield "        for value in value or ():\n"
        if slot.words:
            yield f"            if not ({_PLAIN}):\n                value = {key}_text(value)\n"
            yield f"            body += f'{opening}{{value}}{closing}'\n"
        else:
            yield f"            body += f'{opening}{{{key}_text(value)}}{closing}'\n"
    elif isinstance(slot, ChildSlot):
        names[f"{key}_class"], names[f"{key}_write"] = slot.child, slot.write_item
        yield _indented(_FLUSH)
        yield f"        if type(value) is {key}_class:\n            {key}_write(out, {slot.tag!r}, value)\n"
        yield f"        else:\n            {key}.write(out, values)\n"
    else:
        yield _indented(_FLUSH)
        yield f"        {key}.write(out, values)\n"


def _if_present(blank: object) -> str:
    """The question whether there is a value: one that is None or blank is not written."""
    if blank is None:
        return "    if value is not None:\n"
    return f"    if value or (value is not None and value != {blank!r}):\n"


def _literal(text: str) -> str:
    """As it stands in an f-string in single quotes; names of XML have nothing else to escape."""
    return text.replace("{", "{{").replace("}", "}}").replace("'", r"\'")


def _indented(lines: str) -> str:
    return "".join(f"    {line}\n" for line in lines.splitlines())
