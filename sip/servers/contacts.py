"""What a registrar makes of the Contacts of a REGISTER: bindings that lead somewhere (RFC 3261 section 10.3 step 7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from sip.core.dialog import must_fit_request_line
from sip.errors import RemoteProtocolError
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.message.request import Request
from sip.networks import source_of
from sip.servers.gruu import opaque_of_instance
from sip.servers.location import Binding, can_be_dialled
from sip.servers.proxy_route import OwnAddresses
from sip.syntax.host_name import is_host_name
from sip.syntax.uri import Uri
from sip.transport.locate import reached_host

#: Characters of a User-Agent that are kept.
_SHOWN: Final = 100
#: Parameters of a Contact that a registrar gives. From a client they say nothing (RFC 5627 section 5.1), and in a 200
#: they would look as if they had been given here.
_GRANTED: Final = ("expires", "gruu", "pub-gruu", "temp-gruu")


@attrs.frozen(kw_only=True)
class Asked:
    """What a REGISTER says beside its Contacts, read before anything changes. Raises RemoteProtocolError.

    Proxies on its way are those that a trusted one tells of. Anybody can write a second Via, or a Path of his choice,
    and have what is sent to him sent to somebody else: then the flow that he came by is the only way to him.
    """

    path: tuple[NameAddr, ...]  #: proxies on the way back (RFC 3327)
    options: tuple[str, ...]  #: of Supported
    direct: bool  #: whether the client itself sent it, and no proxy on its way
    flow: Flow
    received: Flow | None  #: the flow that leads back, None when a proxy stood between

    @classmethod
    def of(cls, request: Request, flow: Flow, *, from_trusted: bool) -> Asked:
        """Read a REGISTER; ``from_trusted`` says that what came by the flow tells the truth about its way.

        Raises RemoteProtocolError for a Path that leads nowhere.
        """
        path = request.header("Path")
        routes = tuple(each for each in path if isinstance(each, NameAddr)) if isinstance(path, tuple) else ()
        for route in routes:
            if not _can_be_asked(route.uri):
                raise RemoteProtocolError("a Path that leads nowhere")
        # With a second Via a proxy stood between: the flow is the proxy's, not the client's.
        direct = len(request.via) == 1
        return cls(
            path=routes if from_trusted else (),
            options=request.supported,
            direct=direct,
            flow=flow,
            received=None if from_trusted and not direct else flow,
        )

    def registers_flow(self, contact: NameAddr) -> bool:
        """Whether a Contact is a flow that we keep alive; over UDP that would take STUN (RFC 5626 section 6)."""
        # Without an instance a reg-id says nothing (section 6).
        named = "reg-id" in contact.params and "+sip.instance" in contact.params
        outbound = named and "outbound" in self.options
        return outbound and self.flow.reliable and self.direct


def binding_of(aor: str, contact: NameAddr, request: Request, asked: Asked, expires_at: float) -> Binding:
    """The binding of one Contact."""
    instance = contact.params.get("+sip.instance")
    instance = instance.strip("<>") if instance else None
    return Binding(
        aor=aor,
        contact=contact.without_params(*_GRANTED),
        expires_at=expires_at,
        call_id=request.call_id,
        cseq=request.cseq.number,
        q=_preference(contact.params.get("q")),
        route=asked.path,
        source=source_of(asked.flow.remote.host),
        received=asked.received,
        instance=instance,
        reg_id=contact.params.get("reg-id"),
        outbound=asked.registers_flow(contact),
        opaque=opaque_of_instance(instance) if instance else None,
        user_agent=request.headers.get("User-Agent", "")[:_SHOWN] or None,
    )


def is_usable(binding: Binding, aor: Uri, own: OwnAddresses, came_by: Flow) -> bool:
    """Whether a request can ever reach a contact: by its flow, by Path, or because its address can be asked for.

    A contact of another scheme cannot, nor what does not fit into a request line. Nor can one that is the
    address-of-record itself, or an address of ours, and has no way of its own: its requests would come back here (RFC
    5627 section 5.1). A phone in a network of its own may well have the address that we have in ours.
    """
    try:
        must_fit_request_line(binding.uri)
    except RemoteProtocolError:
        return False
    if binding.uri.scheme not in ("sip", "sips") or not is_host_name(reached_host(binding.uri)):
        return False  # its flow closes one day, and then somebody asks for the host
    if binding.route or (binding.flow is not None and not can_be_dialled(binding.uri, binding.flow)):
        return True
    if own.include(binding.uri, came_by):
        return False
    return binding.flow is not None or (_can_be_asked(binding.uri) and not binding.uri.equivalent(aor))


def _can_be_asked(uri: Uri) -> bool:
    """Whether a URI leads to an address, or to a name that DNS can have."""
    if uri.scheme not in ("sip", "sips"):
        return False
    try:
        must_fit_request_line(uri)
    except RemoteProtocolError:
        return False
    return is_host_name(reached_host(uri))


def size_of(binding: Binding) -> int:
    """About how many octets a binding takes."""
    return sum(len(str(each)) for each in (binding.aor, binding.call_id, binding.contact, *binding.route))


def listed(binding: Binding, aor: Uri, options: Iterable[str], left: int) -> NameAddr:
    """A binding as the 200 shows it, with the GRUU that the client's options ask for.

    A GRUU leads here and from here to the contact, so only those get one whom we reach on their own flow or by Path
    (RFC 5627 section 5.1): behind a proxy that is not in Path whatever is sent to the contact itself gets lost.
    """
    params: dict[str, str | None] = {"expires": str(left)}
    if binding.received is not None or binding.route:
        if "gruu-10" in options and binding.opaque is not None:
            params["gruu"] = f'"{aor.with_params(opaque=binding.opaque, gruu=None)}"'
        if "gruu" in options and binding.instance is not None:
            params["pub-gruu"] = f'"{aor.with_params(gr=binding.instance)}"'
    return binding.contact.with_params(params)


def _preference(text: str | None) -> float:
    """q of RFC 3261 section 20.10: 0 to 1, three digits; 1 when it is missing or makes no sense."""
    try:
        value = float(text) if text else 1.0
    except ValueError:
        return 1.0
    return value if 0.0 <= value <= 1.0 else 1.0
