"""Strategies for whole messages: built, as others write them, and broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st

from sip.headers.names import COMPACT
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.headers import HEADER_VALUES, header_fields
from sip.testing.values import cseqs, lines, methods, tagged_addrs, uris, vias

_SHORT: Final = {name: short for short, name in COMPACT.items() if short.islower()}
#: What a hostile or broken peer puts into a message.
_DEBRIS: Final = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\0", b'"', b"<", b">", b"\\", b",", b";", b":", b"=", b"@"),
    *(b"%", b"%00", b"%zz", b"[", b"]", b"\xff\xfe", b"\xc3\xa9", b"SIP/2.0", b"Content-Length: 9\r\n", b"Via:\r\n"),
    *(b"-1", b"99999999999999999999", b";lr", b";tag=", b"<sip:", b"\r\n "),
)


def _headers(method: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, list[tuple[str, object]]]]:
    return method.flatmap(
        lambda name: st.builds(
            lambda via, sender, receiver, call_id, cseq, routes, optional: (
                name,
                [
                    *(("Via", hop) for hop in via),
                    ("From", sender),
                    ("To", receiver),
                    ("Call-ID", call_id),
                    ("CSeq", cseq),
                    *(("Record-Route", proxy) for proxy in routes),
                    *optional,
                ],
            ),
            st.lists(vias(), min_size=1, max_size=3),
            tagged_addrs(),
            tagged_addrs(),
            HEADER_VALUES["Call-ID"],
            cseqs(name),
            st.lists(HEADER_VALUES["Record-Route"], max_size=2),
            header_fields(),
        )
    )


def requests() -> st.SearchStrategy[Request]:
    """Valid requests."""
    request_uris = uris().filter(lambda uri: not uri.headers)
    return st.builds(
        lambda parts, uri, body, hops: Request.build(parts[0], uri, [*parts[1], ("Max-Forwards", hops)], body),
        _headers(methods()),
        request_uris,
        st.binary(max_size=60),
        st.integers(0, 70),
    )


def responses() -> st.SearchStrategy[Response]:
    """Valid responses."""
    return st.builds(
        lambda parts, status, reason, body: Response.build(status, reason, parts[1], body),
        _headers(methods()),
        st.integers(100, 699),
        st.none() | lines(),
        st.binary(max_size=60),
    )


def messages() -> st.SearchStrategy[Request | Response]:
    """Valid messages."""
    return requests() | responses()


def wire_messages() -> st.SearchStrategy[bytes]:
    """Valid messages as others write them: compact forms, any case, folds, blanks around the colon, any order."""
    return messages().flatmap(lambda message: st.randoms(use_true_random=False).map(_rewriter(bytes(message))))


def mutated_messages() -> st.SearchStrategy[bytes]:
    """Messages that somebody broke: a valid one with pieces cut out, doubled, swapped or replaced."""
    edits = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from(_DEBRIS)), min_size=1, max_size=6)
    return st.builds(_broken, wire_messages(), edits)


def _rewriter(wire: bytes) -> Callable[[object], bytes]:
    def rewrite(random: object) -> bytes:
        choice = random.choice  # type: ignore[attr-defined]
        head, _, body = wire.partition(b"\r\n\r\n")
        start, *lines = head.split(b"\r\n")
        rewritten = [_rewritten(line, choice) for line in lines]
        if choice((True, False)):
            # Order among headers of one name counts, order of names does not.
            rewritten.sort(key=lambda line: line[:1].lower() not in (b"c", b"l"))
        return b"\r\n".join([start, *rewritten, b"", body])

    return rewrite


def _rewritten(line: bytes, choice: Callable[..., object]) -> bytes:
    name, _, value = line.partition(b":")
    text = name.decode("ascii")
    spelling = choice((text, text.lower(), text.upper(), _SHORT.get(text, text)))
    colon = choice((": ", ":", " : ", "\t:\t ", ":\r\n "))
    return f"{spelling}{colon}".encode("ascii") + value.lstrip()


def _broken(wire: bytes, edits: list[tuple[float, float, bytes]]) -> bytes:
    for first, second, debris in edits:
        start, end = sorted((int(first * len(wire)), int(second * len(wire))))
        end = min(end, start + 20)
        wire = wire[:start] + debris + wire[end:]
    return wire
