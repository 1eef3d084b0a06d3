"""What went over the network: one record for each datagram, stream message, HTTP message and media packet.

A :class:`Trace` is the sink that every adapter is given. It covers secrets, joins the two views that both ends of one
hop have of the same bytes, learns which element speaks at which address, and hands the records to its readers: a
:class:`Recording`, a pcap file, a live ladder.
"""

from __future__ import annotations

import base64
import json
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from pyc3p.trace.masking import mask

Address = tuple[str, int]

_LOGGER: Final = logging.getLogger("pyc3p.trace")

#: Hops of which one end has reported and the other may still do so. More only means that a hop can show twice.
PENDING_VIEWS: Final = 8192
#: Addresses that have a name; one for each connection of the last hours.
NAMED_ADDRESSES: Final = 20_000
#: Hosts that listen everywhere: only their port tells them apart.
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", ""})


@attrs.frozen(kw_only=True, slots=True)
class Record:
    """Bytes that travelled once."""

    at: float  #: monotonic seconds, the clock of the machines
    layer: str  #: "sip", "http", "rtp", "rtcp"
    transport: str  #: "UDP", "TCP", "TLS"
    source: Address
    destination: Address
    data: bytes = attrs.field(repr=False)


Reader = Callable[[Record], None]


class Names:
    """Which element speaks at which address, and in which order the elements stand in a ladder."""

    def __init__(self, elements: Iterable[str] = (), *, limit: int = NAMED_ADDRESSES) -> None:
        self._elements: dict[str, None] = dict.fromkeys(elements)
        self._by_address: OrderedDict[Address, str] = OrderedDict()
        self._limit = limit
        self.on_added: Callable[[str], None] | None = None  #: is given the line of ``dump`` of what becomes known

    @property
    def elements(self) -> tuple[str, ...]:
        """Names in the order in which they were given."""
        return tuple(self._elements)

    def add(self, element: str, *addresses: Address) -> None:
        """Let ``element`` speak at ``addresses``; host ``0.0.0.0`` or ``::`` stands for any host with that port."""
        self._elements.setdefault(element)
        for host, port in addresses:
            key = ("", port) if host in _EVERYWHERE else (host, port)
            if self.on_added is not None and self._by_address.get(key) != element:
                self.on_added(_line(element, key))
            self._by_address[key] = element
            self._by_address.move_to_end(key)
        while len(self._by_address) > self._limit:
            self._by_address.popitem(last=False)

    def get(self, address: Address) -> str | None:
        """The element at ``address``, if known."""
        return self._by_address.get(address) or self._by_address.get(("", address[1]))

    def knows(self, address: Address) -> bool:
        """Whether ``address`` has a name of its own, not only that of a port on every address."""
        return address in self._by_address

    def at_host(self, host: str) -> set[str]:
        """The elements known at a host."""
        return {name for (known, _), name in self._by_address.items() if known == host}

    def dump(self) -> str:
        """All of it as text, one address a line: ``element host port``; elements in their order first."""
        lines = [f"{element} - 0" for element in self._elements]
        lines += [_line(element, address) for address, element in self._by_address.items()]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def load(cls, text: str) -> Names:
        """What ``dump`` gave; raises ValueError when it is something else."""
        names = cls()
        names.update(text)
        return names

    def update(self, text: str) -> None:
        """Add what ``dump`` gave; raises ValueError when it is something else."""
        for line in text.splitlines():
            try:
                element, host, port = line.rsplit(" ", 2)
                addresses = [("" if host == "-" else host, int(port))] if port != "0" else []
            except ValueError as error:
                raise ValueError(f"not a line of names: {line[:60]!r}") from error
            self.add(element, *addresses)

    def label(self, address: Address) -> str:
        """The element at ``address``, else the address itself."""
        return self.get(address) or text_address(address)


def _line(element: str, address: Address) -> str:
    return f"{element} {address[0] or '-'} {address[1]}"


def text_address(address: Address) -> str:
    """``host:port``, with brackets around IPv6."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Trace:
    """The sink of one process or simulation. With ``unsafe`` secrets are kept as they are.

    It never raises: whoever sends and receives has other things to do. A reader that raises is told of in the log
    ``pyc3p.trace``, and given nothing any more. A record that cannot be looked through for secrets is not kept.
    """

    def __init__(self, *, names: Names | None = None, readers: Iterable[Reader] = (), unsafe: bool = False) -> None:
        self.names = names or Names()
        self.joined = 0  #: second views dropped
        self.lost = 0  #: records that could not be taken
        self._readers = list(readers)
        self._unsafe = unsafe
        self._views: OrderedDict[tuple[str, str, Address, Address, int], deque[str]] = OrderedDict()

    def add_reader(self, reader: Reader) -> None:
        """``reader`` is called with each record from now on."""
        self._readers.append(reader)

    def element(self, name: str, *addresses: Address) -> ElementTrace:
        """The sink of one element that speaks at ``addresses``."""
        self.names.add(name, *addresses)
        return ElementTrace(self, name)

    def record(
        self, *, layer: str, transport: str, source: Address, destination: Address, data: bytes, at: float
    ) -> None:
        """Take one record whose element is not known."""
        try:
            self._keep("", "", layer, transport, source, destination, data, at)
        except Exception:
            self._lose()

    def _keep(
        self,
        element: str,
        view: str,
        layer: str,
        transport: str,
        source: Address,
        destination: Address,
        data: bytes,
        at: float,
    ) -> None:
        # From one of its listeners to another: both views come from the same sink. The hosts must be the same, because
        # a listener on every address lends its name to a port of any host.
        to_itself = source[0] == destination[0] and self.names.get(source) == element == self.names.get(destination)
        if element and self._is_second_view(
            view, to_itself, (layer, transport, source, destination, _essence(layer, data))
        ):
            self.joined += 1
            return
        kept = data if self._unsafe else mask(layer, data)
        record = Record(
            at=at, layer=layer, transport=transport, source=source, destination=destination, data=bytes(kept)
        )
        for reader in tuple(self._readers):
            try:
                reader(record)
            except Exception:
                self._readers.remove(reader)
                _LOGGER.exception("a reader of the trace is given nothing any more")

    def _lose(self) -> None:
        """A record could not be taken: said the first time, counted always."""
        self.lost += 1
        if self.lost == 1:
            _LOGGER.exception("a record of the trace is lost, and so may be others like it")

    def _is_second_view(self, view: str, to_itself: bool, key: tuple[str, str, Address, Address, int]) -> bool:
        waiting = self._views.get(key)
        if waiting is not None and (waiting[0] != view or to_itself):
            waiting.popleft()
            if not waiting:
                del self._views[key]
            return True
        if waiting is None:
            waiting = self._views[key] = deque(maxlen=64)
        waiting.append(view)
        if len(self._views) > PENDING_VIEWS:
            self._views.popitem(last=False)
        return False


def _essence(layer: str, data: bytes) -> int:
    """What both ends of a hop see alike: all bytes, but of HTTP start line and body, as libraries rewrite headers."""
    if layer != "http":
        return hash(data)
    head, _, body = data.partition(b"\r\n\r\n")
    return hash((head.partition(b"\r\n")[0], body))


class ElementTrace:
    """The sink that one element's adapters write to; it learns the element's ephemeral addresses as it goes."""

    def __init__(self, trace: Trace, element: str, *, client: bool = False) -> None:
        self._trace = trace
        self._client_side = client
        self.name = element

    def client_side(self) -> ElementTrace:
        """The sink of the element's HTTP client: where an element asks itself, this is the other view of the hop."""
        return ElementTrace(self._trace, self.name, client=True)

    def add_address(self, *addresses: Address) -> None:
        """This element speaks at ``addresses`` as well (a media port, a listener)."""
        self._trace.names.add(self.name, *addresses)

    def record(
        self, *, layer: str, transport: str, source: Address, destination: Address, data: bytes, at: float
    ) -> None:
        """Take one record that this element sent or received."""
        try:
            if self._client_side:
                self._learn_own(destination if data.startswith(b"HTTP/") else source)
            else:
                self._learn(source, destination)
            view = f"{self.name} client" if self._client_side else self.name
            self._trace._keep(self.name, view, layer, transport, source, destination, data, at)
        except Exception:
            self._trace._lose()

    def _learn_own(self, address: Address) -> None:
        if self._trace.names.get(address) is None:
            self.add_address(address)

    def _learn(self, source: Address, destination: Address) -> None:
        names = self._trace.names
        here, there = names.get(source), names.get(destination)
        if self.name in (here, there):
            return
        if here is None and there is not None:
            names.add(self.name, source)
        elif there is None and here is not None:
            names.add(self.name, destination)


class Recording:
    """A reader that keeps the records, at most ``limit``; the oldest media packets go first, then the oldest."""

    def __init__(self, *, limit: int = 200_000) -> None:
        self._records: deque[Record] = deque()
        self._limit = limit
        self.dropped = 0

    def __call__(self, record: Record) -> None:
        self._records.append(record)
        if len(self._records) > self._limit:
            self._make_room()

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def of_layer(self, *layers: str) -> list[Record]:
        """The records of these layers, in order."""
        return [record for record in self._records if record.layer in layers]

    def _make_room(self) -> None:
        """Drop a tenth of the bound at once, so that the cost of dropping is spread."""
        surplus = len(self._records) - self._limit * 9 // 10
        media = [record for record in self._records if record.layer in ("rtp", "rtcp")][:surplus]
        doomed = {id(record) for record in media}
        kept = deque(record for record in self._records if id(record) not in doomed)
        for _ in range(surplus - len(media)):
            kept.popleft()
        self.dropped += surplus
        self._records = kept


def dump_record(record: Record) -> str:
    """One line of a trace file (JSON, bytes in base64)."""
    return json.dumps(
        {
            "at": round(record.at, 6),
            "layer": record.layer,
            "transport": record.transport,
            "source": list(record.source),
            "destination": list(record.destination),
            "data": base64.b64encode(record.data).decode("ascii"),
        },
        separators=(",", ":"),
    )


def load_record(line: str) -> Record:
    """The record of one line of a trace file; raises ValueError when the line is not one."""
    try:
        fields = json.loads(line)
        return Record(
            at=float(fields["at"]),
            layer=str(fields["layer"]),
            transport=str(fields["transport"]),
            source=_address(fields["source"]),
            destination=_address(fields["destination"]),
            data=base64.b64decode(fields["data"], validate=True),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a trace record: {line[:60]!r}") from error


def _address(pair: list[object]) -> Address:
    host, port = pair
    return str(host), int(str(port))
