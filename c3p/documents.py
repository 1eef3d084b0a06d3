"""Bytes to documents (MS-CONFBAS, RFC 4575 section 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lxml import etree

from c3p.binding.binding import clark, evolved
from c3p.binding.reader import reader
from c3p.binding.unknown import read_unknown
from c3p.binding.xml import DEFAULT_LIMITS, DocumentLimits, parse_xml, tag_of
from c3p.commands import COMMANDS, Command, UnknownCommand
from c3p.conference.info import ConferenceInfo
from c3p.envelope import Notify, Request, Response
from c3p.errors import DocumentTooLarge, MalformedDocument
from c3p.namespaces import CCCP, CI, MSCP

Document = Request | Response | Notify | ConferenceInfo

#: Commands in one document. One is legal; a few more are kept, so that the answer can be 3006 and name them.
MOST_COMMANDS: Final = 16
#: By the name of the element; the types of lxml allow more than text there.
_COMMANDS: Final[Mapping[Any, type[Command]]] = {
    clark(namespace, name): command for name, command in COMMANDS.items() for namespace in (CCCP, None)
}


def parse_document(data: bytes, *, limits: DocumentLimits = DEFAULT_LIMITS) -> Document:
    """Read one C3P or conference-info document, whatever prefixes it uses.

    Raises MalformedDocument, or DocumentTooLarge, both C3PError, and nothing else. Commands that are not known come as
    :class:`c3p.UnknownCommand`, further commands of a request in ``more``, other unknown content in ``extra``.
    """
    root = parse_xml(data, limits)
    read = _ROOTS.get(root.tag)
    if read is None:
        raise MalformedDocument(f"not a C3P document: {tag_of(root)[:200]}")
    return read(root)


def _read_request(root: etree._Element) -> Request:
    children: list[etree._Element] = []
    request = reader(Request).read(root, children)
    commands = [_read_command(child) for child in _few(children)]
    if not commands:
        raise MalformedDocument("a request without a command")
    return evolved(request, {"command": commands[0], "more": tuple(commands[1:])})


def _read_response(root: etree._Element) -> Response:
    children: list[etree._Element] = []
    response = reader(Response).read(root, children)
    commands = [_read_answer(child) for child in _few(children)]
    return evolved(response, {"command": commands[0] if commands else None, "more": tuple(commands[1:])})


def _few(commands: list[etree._Element]) -> list[etree._Element]:
    if len(commands) > MOST_COMMANDS:
        raise DocumentTooLarge(f"{len(commands)} commands in one document")
    return commands


def _read_command(element: etree._Element) -> Command:
    command = _COMMANDS.get(element.tag)
    return reader(command).read(element) if command is not None else _unknown_command(element)


def _read_answer(element: etree._Element) -> Command:
    """Answers may leave out what a request must have; then the XML is kept instead."""
    try:
        return _read_command(element)
    except MalformedDocument:
        return _unknown_command(element)


def _unknown_command(element: etree._Element) -> UnknownCommand:
    mcu_uri = element.get(clark(MSCP, "mcuUri")) or element.get("mcuUri")
    return UnknownCommand(element=read_unknown(element), mcu_uri=mcu_uri, reason=element.get("reason"))


#: What reads a document, by the name of its root; a root without a namespace is taken for the known one.
_ROOTS: Final[Mapping[Any, Callable[[etree._Element], Document]]] = {
    clark(namespace, name): read
    for own, name, read in (
        (CI, "conference-info", lambda root: reader(ConferenceInfo).read(root)),
        (CCCP, "request", _read_request),
        (CCCP, "response", _read_response),
        (CCCP, "notify", lambda root: reader(Notify).read(root)),
    )
    for namespace in (own, None)
}
