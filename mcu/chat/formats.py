"""Which forms of a message somebody can show, and which of several is sent to whom.

A client lists the types it takes in ``a=accept-types`` of its session description (RFC 4975 section 8.6 has the
grammar, and Microsoft's clients use it without MSRP). A message may carry the same text in several forms,
``multipart/alternative``; each recipient gets the whole or one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from c3p import COMPOSING_TYPE, DELIVERY_REPORT_TYPE
from sip import ContentType, Multipart, Part, SipError

PLAIN: Final = "text/plain"
ALTERNATIVE: Final = "multipart/alternative"
#: What is passed on. Other types are files, ink and invitations to transfer a file, which end at two people.
PASSED_ON: Final = (PLAIN, "text/html", "text/rtf", ALTERNATIVE)
#: What our descriptions list, in the order in which we would have it.
OFFERED: Final = (*PASSED_ON, COMPOSING_TYPE, DELIVERY_REPORT_TYPE)
#: Types in one list, and characters of one, at most: real lists have 7 types of at most 32 characters.
MOST_TYPES: Final = 64
LONGEST_TYPE: Final = 128


@attrs.frozen
class AcceptTypes:
    """The types that one client takes, in lower case; ``*`` stands for all, ``text/*`` for all texts."""

    types: frozenset[str] = frozenset((PLAIN,))  #: RFC 3428 section 8: a client of MESSAGE shows plain text

    @classmethod
    def read(cls, values: Iterable[str]) -> AcceptTypes:
        """The values of ``a=accept-types`` lines; plain text where there are none."""
        listed = [each.lower() for value in values for each in value.split()][:MOST_TYPES]
        found = frozenset(each for each in listed if len(each) <= LONGEST_TYPE)
        return cls(found) if found else cls()

    def takes(self, media_type: str) -> bool:
        """Whether a client shows that type."""
        return not self.types.isdisjoint((media_type, f"{media_type.partition('/')[0]}/*", "*", "*/*"))


@attrs.frozen
class Content:
    """The body of a message with its type, as it came."""

    content_type: str
    body: bytes = attrs.field(repr=False)

    @property
    def media_type(self) -> str:
        """Type without parameters, in lower case; empty when nobody can read it."""
        try:
            return ContentType.parse(self.content_type).media_type
        except SipError:
            return ""


def is_passed_on(content: Content) -> bool:
    """Whether it is a message for people: text, or alternatives of which one is text."""
    return any(form.media_type in PASSED_ON[:-1] for form in _forms(content))


def fitting(content: Content, accept: AcceptTypes) -> Content | None:
    """The form that a client with ``accept`` gets; None when there is none that it could show.

    What it takes whole it gets as it came. Else of several forms plain text goes first: a form that a client lists
    may still be one that it shows badly, and plain text is what all show.
    """
    if accept.takes(content.media_type):
        return content
    taken = [form for form in _forms(content) if accept.takes(form.media_type) and form.media_type in PASSED_ON]
    return min(taken, key=lambda form: form.media_type != PLAIN, default=None)


def _forms(content: Content) -> Iterator[Content]:
    """The forms of a message, the best one first (RFC 2046 section 5.1.4); one that is not multipart has one."""
    if content.media_type != ALTERNATIVE:
        yield content
        return
    try:
        parts = Multipart.parse(content.body, ContentType.parse(content.content_type)).parts
    except SipError:
        return
    for part in reversed(parts):
        if not _is_encoded(part):
            yield Content(part.headers.get("Content-Type", PLAIN), part.body)


def _is_encoded(part: Part) -> bool:
    encoding = part.headers.get("Content-Transfer-Encoding", "").strip().lower()
    return encoding not in ("", "7bit", "8bit", "binary")
