"""A man in the middle: one header of one message replaced by junk, doubled, emptied or taken away.

An `Alteration` is data, so that what it breaks can be replayed; `alteration` makes one from any `Chooser`, be that
Hypothesis, which makes failures small, or a counter and a seed, which can go on for an hour.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

import attrs
from hypothesis import strategies as st

from sip.entropy import SeededEntropy

T = TypeVar("T")

#: What stands where something else should.
JUNK: Final[tuple[str, ...]] = (
    *(
        "",
        " ",
        ",",
        ", ,",
        ";",
        ";;",
        ":",
        "=",
        "@",
        "<",
        ">",
        "<>",
        '"',
        '""',
        "\\",
        '"\\',
        "*",
        "?",
        "%",
        "%zz",
    ),
    *(
        "\t",
        "0",
        "-1",
        "00000000000000000001",
        "2147483648",
        "4294967296",
        "99999999999999999999",
        "9" * 400,
        "1e9",
    ),
    *(
        "0x10",
        "garbage",
        "a b",
        "a, b",
        "a,,b",
        "a;b",
        "a=b;c",
        ";lr",
        "x" * 3000,
        "nul\x00nul",
        "\x7f",
    ),
    *(
        "\xe4\xf6\xfc",
        "\u65e5\u672c",
        "twelve",
        "NaN",
        "1 INVITE BYE",
        "1",
        "INVITE",
        "4294967295 INVITE",
        "1 \xe4",
    ),
    *(
        "1 ACK",
        "1 CANCEL",
        "0 BYE",
        "<sip:a@b",
        "sip:a@b>",
        '"a <sip:a@b>',
        '"a"b" <sip:a@b.example>',
        "<<sip:a@b>>",
    ),
    *(
        "<sip:a@b>;tag",
        "<sip:a@b>;tag=;",
        "<mailto:a@b.example>",
        "<tel:+1-555>",
        "<urn:uuid:1>",
    ),
    *(
        "<http://b.example/a?b=c>",
        "<data:,x>",
        "<:>",
        "<a:>",
        "<sip:>",
        "<sip:42@192.0.2.8:5060;ob>",
    ),
    *(
        "<sip:a@-.example>",
        "<sip:a@b..example>",
        "<sip:a@" + "b" * 300 + ">",
        "<sip:a@.>",
        "<sip:a@[::1>",
    ),
    *(
        "<sip:a@[fe80::1%25eth0]>",
        "<sip:a@256.1.1.1>",
        "<sip:a@b:0>",
        "<sip:a@b:99999>",
        "<sip:a@b:x>",
    ),
    *(
        "<sip:a@192.0.2.77;transport=carrier-pigeon>",
        "<sips:a@192.0.2.77>",
        "<sip:a@192.0.2.77;maddr=-;lr>",
    ),
    *(
        "<sip:%ff@b.example>",
        "<sip:a@b.example?Route=%3Csip:c%3E&body=x>",
        "<sip:a@b.example;lr;lr>",
    ),
    *(
        "<sip:\xe4@b.example>",
        "<sip:a@b.example;x=%00>",
        "<sip:ZmxvdzoxMjM=@192.0.2.1;lr>",
    ),
    *(
        "<sip:%ff%fe%00@192.0.2.1;lr;ob>",
        "<sip:192.0.2.1;lr;ob;x=\xff>",
        "SIP/2.0/UDP",
    ),
    *(
        "SIP/2.0/UDP ;branch=z9hG4bK",
        "SIP/2.0/XYZ b.example;branch=z9hG4bKx",
    ),
    *(
        "SIP/2.0/UDP [::1%eth0];branch=z9hG4bK1",
        "SIP/2.0/UDP b.example:0;rport=x;received=y;branch=z9hG4bK2",
    ),
    *(
        "SIP/3.0/UDP b;branch=z9hG4bK3",
        "SIP / 2.0 / UDP a b c",
        "1800;refresher=nobody",
        "1800;refresher",
    ),
    *(
        "90;refresher=uac;refresher=uas",
        "5",
        "1800 seconds",
        "3600;x",
        ";refresher=uas",
        "active;expires=x",
    ),
    *(
        "terminated;reason",
        "terminated;retry-after=-1",
        "active;expires=99999999999",
        "maybe",
        "presence;id",
    ),
    *(
        ";id=1",
        'Digest realm="x", nonce="y',
        "Digest",
        "Digest ,",
        'Digest realm="a", nonce="b", Digest realm="c"',
    ),
    *(
        "Basic x",
        "Digest nonce=nonce",
    ),
    *('Digest username="a", realm="x", nonce="y", uri="z", response="w", qop="", nc=x',),
    *(
        "Digest qop=auth,realm=x,nonce=1,algorithm=ROT13",
        "100rel, timer, path, x-unknown",
        "timer;x",
    ),
    *(
        "100rel 100rel",
        "x-unknown",
        "INVITE ACK BYE",
        "INVITE,,BYE",
        "\xe4",
        "application/sdp;",
        "application",
    ),
    *(
        "application/",
        "/sdp",
        "multipart/mixed",
        'multipart/mixed;boundary=""',
        "text/plain; charset=x",
    ),
    *(
        "a/b;c=d;c=e",
        "render;handling=required",
        "session;handling=x",
        "x-unknown",
        "icon;;handling",
        "gzip",
    ),
    *(
        "identity, gzip",
        "7 1 INVITE",
        "7 INVITE",
        "a;to-tag=b",
        "a;to-tag=b;from-tag=c;early-only",
    ),
    *(
        'SIP ;cause=200;text="x',
        "SIP;cause=x",
        "cid:x",
        "<cid:x",
        "urn:x",
        "Mon, 32 Foo 0000 99:99:99 GMT",
    ),
)


_CHARACTERS: Final = '<>@;:,="\\%()[]{}*?/ .-_~!#$&+\t\0\x7fabz019Z\xc4\u65e5\U0001f600'


class Chooser(Protocol):
    """Where choices come from."""

    def index(self, number: int) -> int:
        """One of ``number`` possibilities, from 0."""
        ...

    def text(self) -> str:
        """Any line of text."""
        ...


class Drawn:
    """Choices of Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def index(self, number: int) -> int:
        """One of ``number`` possibilities, from 0."""
        return self._draw(st.integers(0, number - 1))

    def text(self) -> str:
        """Any line of text."""
        return self._draw(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30))


class Seeded:
    """Choices that a seed and a number bring back."""

    def __init__(self, seed: object, number: int) -> None:
        self._chance = SeededEntropy(f"{seed} {number}".encode())

    def index(self, number: int) -> int:
        """One of ``number`` possibilities, from 0."""
        return int(self._chance.uniform() * number)

    def text(self) -> str:
        """Any line of text, of characters that mean something and of others."""
        return "".join(_CHARACTERS[self.index(len(_CHARACTERS))] for _ in range(1 + self.index(20)))


class How(enum.Enum):
    """What is done to a header line."""

    REPLACE = "its value is junk"
    DOUBLE = "it stands there twice"
    DOUBLE_JUNK = "it stands there twice, once with junk"
    EMPTY = "it has no value"
    REMOVE = "it is not there"
    PART = "one word of it is junk"
    APPEND = "junk follows it"


_WORDS: Final = re.compile(rb"[^\s;,<>@:=\"]+")


@attrs.frozen
class Alteration:
    """What is done to which message, counted by different messages from 0, and to which of its header lines."""

    message: int
    line: int  #: modulo the number of lines
    how: How
    junk: str
    word: int = 0  #: which word of the value, modulo their number

    def apply(self, data: bytes) -> bytes:
        """The message as it arrives."""
        head, separator, body = data.partition(b"\r\n\r\n")
        start, *lines = head.split(b"\r\n")
        if lines:
            at = self.line % len(lines)
            lines[at : at + 1] = self._altered(lines[at])
        return b"\r\n".join([start, *lines]) + separator + body

    def _altered(self, line: bytes) -> list[bytes]:
        name, _, value = line.partition(b":")
        junk = self.junk.encode("utf-8", "surrogateescape")
        changed: dict[How, Callable[[], list[bytes]]] = {
            How.REPLACE: lambda: [name + b": " + junk],
            How.DOUBLE: lambda: [line, line],
            How.DOUBLE_JUNK: lambda: [line, name + b": " + junk] if self.word % 2 else [name + b": " + junk, line],
            How.EMPTY: lambda: [name + b":"],
            How.REMOVE: list,
            How.PART: lambda: [name + b":" + self._in_part(value, junk)],
            How.APPEND: lambda: [line + junk],
        }
        return changed[self.how]()

    def _in_part(self, value: bytes, junk: bytes) -> bytes:
        words = list(_WORDS.finditer(value))
        if not words:
            return b" " + junk
        chosen = words[self.word % len(words)]
        return value[: chosen.start()] + junk + value[chosen.end() :]


def alteration(choose: Chooser, messages: int) -> Alteration:
    """Any alteration of a conversation with so many different messages."""
    how = _one_of(choose, tuple(How))
    junk = ""
    if how in (How.REPLACE, How.DOUBLE_JUNK, How.PART, How.APPEND):
        junk = choose.text() if choose.index(4) == 0 else _one_of(choose, JUNK)
    return Alteration(choose.index(messages), choose.index(40), how, junk, choose.index(12))


def _one_of(choose: Chooser, values: Sequence[T]) -> T:
    return values[choose.index(len(values))]


def with_length(data: bytes, body: bytes) -> bytes:
    """The message with another body, and the Content-Length that belongs to it."""
    head, separator, _ = data.partition(b"\r\n\r\n")
    head = re.sub(rb"(?im)^(content-length|l)[ \t]*:[^\r\n]*", lambda match: match[1] + b": %d" % len(body), head)
    return head + separator + body
