"""What an odd message is, and the lines that most of them are made of.

They are templates, so that their answers come back: ``{uri}`` is the element that is tried, ``{domain}`` that of its
users, ``{via}`` and ``{contact}`` are ours, ``{tag}`` and ``{call}`` are new each time. Most of them are OPTIONS in
place of the INVITE of the RFC, so that nothing rings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Odd:
    """One message."""

    name: str
    source: str  #: document and section
    text: str  #: what is odd, and what is to be done about it
    lines: tuple[str, ...]  #: of the head; a body follows an empty one
    statuses: tuple[int, ...] = ()  #: that are right; none: those of the same request without the oddity
    plain: bool = False  #: whether being taken as if nothing were odd is right as well
    silence: bool = False  #: whether saying nothing is right as well
    method: str = "OPTIONS"  #: by which its answer is known
    only: str = ""  #: "registrar" where it is for registrars alone, "callee" where for who takes calls
    broken: bool = True  #: whether it is malformed

    def octets(self, values: Mapping[str, str]) -> bytes:
        """The message, with its places filled in."""
        text = "\r\n".join(self.lines)
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        if "\r\n\r\n" not in text:
            text += "\r\n\r\n"
        return text.encode("utf-8", "surrogateescape")


#: Lines of a request that is as plain as can be.
START: Final = "OPTIONS {uri} SIP/2.0"
VIA: Final = "Via: {via}"
FROM: Final = "From: <{me}>;tag={tag}"
TO: Final = "To: <{uri}>"
CALL: Final = "Call-ID: {call}"
CSEQ: Final = "CSeq: 63104 OPTIONS"
HOPS: Final = "Max-Forwards: 70"
LENGTH: Final = "Content-Length: 0"
PLAIN: Final = (START, VIA, FROM, TO, CALL, CSEQ, HOPS, LENGTH)
REGISTER: Final = (
    *("REGISTER sip:{domain} SIP/2.0", VIA, "From: <{bob}>;tag={tag}", "To: <{bob}>", CALL),
    *("CSeq: 63104 REGISTER", HOPS, LENGTH),
)


def with_lines(
    *changes: tuple[str, str | None], lines: tuple[str, ...] = PLAIN, more: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Lines of which some are others, or not there."""
    changed = dict(changes)
    assert set(changed) <= set(lines), "a line that is to change is not there"
    kept = [changed.get(line, line) for line in lines]
    return (*(line for line in kept if line is not None), *more)
