"""What any element has to look at before it acts: RFC 3261 section 8.2."""

from __future__ import annotations

from pyc3p.conform.bench import Bench
from pyc3p.conform.case import STREAMS, case
from pyc3p.conform.peer import told
from sip import SipError
from sip.testing import Force


@case("RFC 3261 section 8.2.1", Force.MUST)
def unknown_method(bench: Bench) -> None:
    """A method that an element does not know is refused where the request is for the element itself."""
    peer = bench.peer()
    exchange = peer.ask(peer.request("NEWMETHOD"), credentials=False)
    if exchange.status < 300:
        bench.blame(exchange.told)


@case("RFC 3261 section 8.2.2.3", Force.MUST)
def unknown_extension(bench: Bench) -> None:
    """An option-tag in Require that an element does not know gets 420, and Unsupported names it."""
    peer = bench.peer()
    plain = peer.ask(peer.request("OPTIONS"), credentials=False)
    if plain.status >= 300:  # its address comes first (RFC 3261 section 8.2.2.1)
        bench.skip(f"OPTIONS is answered {plain.told} without it")
    exchange = peer.ask(peer.request("OPTIONS", headers=[("Require", "x-nobody-knows")]), credentials=False)
    if exchange.status != 420:
        bench.blame(exchange.told)
    named = [word.strip().lower() for line in exchange.final.headers.get_all("Unsupported") for word in line.split(",")]
    if "x-nobody-knows" not in named:
        bench.blame(f"Unsupported: {', '.join(named)}" if named else "no Unsupported")


@case("RFC 3261 section 8.2.2.3", Force.MUST)
def known_extensions_only_in_supported(bench: Bench) -> None:
    """An unknown option-tag in Supported is no reason to refuse."""
    peer = bench.peer()
    plain = peer.ask(peer.request("OPTIONS"), credentials=False)
    exchange = peer.ask(peer.request("OPTIONS", headers=[("Supported", "x-nobody-knows")]), credentials=False)
    if exchange.status != plain.status:
        bench.blame(f"{exchange.told}, without it {plain.told}")


@case("RFC 3261 section 7.3.1", Force.MUST)
def unknown_header(bench: Bench) -> None:
    """A header field that an element does not know changes nothing."""
    peer = bench.peer()
    plain = peer.ask(peer.request("OPTIONS"), credentials=False)
    lines = [("NewFangledHeader", "newfangled value\r\n continued newfangled value".replace("\r\n ", " "))]
    exchange = peer.ask(peer.request("OPTIONS", headers=lines), credentials=False)
    if exchange.status != plain.status:
        bench.blame(f"{exchange.told}, without it {plain.told}")


@case("RFC 3261 section 7.3.3", Force.MUST)
def compact_forms(bench: Bench) -> None:
    """Header fields may have their short names."""
    _same_as_plain(bench, lambda data: _renamed(data, _COMPACT))


@case("RFC 3261 section 7.3.1", Force.MUST)
def names_in_any_case(bench: Bench) -> None:
    """The case of the name of a header field does not matter."""
    _same_as_plain(bench, lambda data: _renamed(data, {name: name.upper() for name in _COMPACT}))


@case("RFC 3261 section 7.3.1", Force.MUST)
def folded_lines(bench: Bench) -> None:
    """A header field may go on in the next line, after white space."""
    _same_as_plain(bench, lambda data: data.replace(b"\r\nTo: ", b"\r\nTo:\r\n \t "))


@case("RFC 3261 section 7.5", Force.MUST, over=STREAMS)
def line_breaks_before(bench: Bench) -> None:
    """On a connection line breaks before the start line are ignored."""
    _same_as_plain(bench, lambda data: b"\r\n\r\n" + data)


@case("RFC 3261 section 7.3.1", Force.MUST)
def blanks_around_colon(bench: Bench) -> None:
    """There may be blanks before and after the colon of a header field."""
    _same_as_plain(bench, lambda data: data.replace(b"\r\nCSeq: ", b"\r\nCSeq \t:   "))


@case("RFC 3261 section 20", Force.MUST)
def order_of_lines(bench: Bench) -> None:
    """The order of header fields with different names does not matter."""

    def reversed_lines(data: bytes) -> bytes:
        first, *lines = data.removesuffix(b"\r\n\r\n").split(b"\r\n")
        return b"\r\n".join([first, *reversed(lines)]) + b"\r\n\r\n"

    _same_as_plain(bench, reversed_lines)


_COMPACT = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Content-Length": "l"}


def _renamed(data: bytes, names: dict[str, str]) -> bytes:
    for name, other in names.items():
        data = data.replace(f"\r\n{name}: ".encode(), f"\r\n{other}: ".encode())
    return data


def _same_as_plain(bench: Bench, altered: object) -> None:
    """The same status as for a request that is written in the usual way."""
    assert callable(altered)
    peer = bench.peer()
    plain = peer.ask(peer.request("OPTIONS"), credentials=False)
    request = peer.request("OPTIONS")
    peer.remember(request)
    peer.send(altered(bytes(request)))
    response = peer.response(request, final=True)
    if response is None:
        bench.blame(f"nothing; written plainly {plain.told}")
    if response.status != plain.status:
        bench.blame(f"{told(response)}; written plainly {plain.told}")


@case("RFC 3261 section 11.2", Force.SHOULD)
def capabilities(bench: Bench) -> None:
    """A 200 to OPTIONS has Allow, Accept, Accept-Encoding, Accept-Language and Supported."""
    peer = bench.peer()
    exchange = peer.ask(peer.request("OPTIONS"))
    if exchange.status != 200:
        bench.skip(f"OPTIONS is answered {exchange.told}")
    names = ("Allow", "Accept", "Accept-Encoding", "Accept-Language", "Supported")
    missing = [name for name in names if name not in exchange.final.headers]
    if missing:
        bench.blame(f"no {', '.join(missing)}")


@case("RFC 3261 section 8.2.6.2", Force.MUST)
def tags_differ(bench: Bench) -> None:
    """Two requests get two tags."""
    peer = bench.peer()
    tags = []
    for _ in range(2):
        try:
            tags.append(peer.ask(peer.request("OPTIONS"), credentials=False).final.to.tag)
        except SipError:
            bench.skip("To cannot be read")
    if None not in tags and len(set(tags)) == 1:
        bench.blame(f"both times {tags[0]}")
