"""Documents that are wrong in one thing each: what is sent in their place is made of a right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

#: Octets of a document that no server needs: a roster of hundreds of users has a few hundred thousand.
_LARGE: Final = 4_000_000
#: Elements in one another; a document of the protocol has a dozen.
_DEEP: Final = 20_000


def _with_doctype(text: bytes) -> bytes:
    return b'<!DOCTYPE request [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + text


def _with_entity(text: bytes) -> bytes:
    head, separator, rest = _with_doctype(text).partition(b'requestId="')
    return head + separator + b"&b;" + rest


def _twice(text: bytes) -> bytes:
    start, end = text.index(b">") + 1, text.rindex(b"</request>")
    return text[:start] + 2 * text[start:end] + text[end:]


def _without(text: bytes, name: bytes) -> bytes:
    start = text.index(b" " + name + b'="')
    end = text.index(b'"', start + len(name) + 3)
    return text[:start] + text[end + 1 :]


def _large(text: bytes) -> bytes:
    end = text.rindex(b"</request>")
    return text[:end] + b"<!--" + b"x" * _LARGE + b"-->" + text[end:]


def _deep(text: bytes) -> bytes:
    end = text.rindex(b"</request>")
    return text[:end] + b"<a>" * _DEEP + b"</a>" * _DEEP + text[end:]


def _childless(text: bytes) -> bytes:
    return text[: text.index(b">") + 1] + b"</request>"


#: What is done to a right document, by what it is then.
BROKEN: Final[Mapping[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "not-well-formed": ("a document that ends in the middle of an element", lambda text: text[: len(text) - 12]),
    "no-xml": ("octets that are no XML", lambda text: b"\x00\x01\xfe\xff" * 20),
    "not-utf-8": (
        "a document with octets that are no UTF-8",
        lambda text: text.replace(b'from="', b'from="\xff\xfe', 1),
    ),
    "doctype": ("a document with a document type", _with_doctype),
    "entities": ("a document with entities of its own", _with_entity),
    "other-root": (
        "a document with another root",
        lambda text: text.replace(b"<request", b"<question").replace(b"</request", b"</question"),
    ),
    "no-command": ("a request without a command", _childless),
    "two-commands": ("a request with two commands", _twice),
    "no-request-id": ("a request without requestId", lambda text: _without(text, b"requestId")),
    "no-from": ("a request without from", lambda text: _without(text, b"from")),
    "no-to": ("a request without to", lambda text: _without(text, b"to")),
    "odd-request-id": (
        "a request whose requestId is no number",
        lambda text: _without(text, b"requestId").replace(b" from=", b' requestId="-1x" from=', 1),
    ),
}
#: The same, of which nothing is wanted but that who gets it lives.
HUGE: Final[Mapping[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "large": ("a document of four million octets", _large),
    "deep": ("a document with twenty thousand elements in one another", _deep),
}
