"""What is written of a dialog, and the rule which dialogs can be written at all.

A dialog comes back after a restart if its next hop can be reached without the connection that the process had: it uses
none, or we dialled it, or there is a route set (which begins with a proxy, and proxies listen), or the other side named
the address that it came from but another port than that of the connection, so that it seems to listen there. What is
left hangs on a connection that its far end made, from behind a NAT or without listening: that is gone with the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs
from attrs.validators import deep_iterable, instance_of, optional

from sip.core.dialog import Dialog, DialogState
from sip.flow import DEFAULT_PORTS, Address, Flow
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import canonical_host
from sip.transport.locate import reached_host

T = TypeVar("T")

is_text: Final = instance_of(str)
is_text_or_none: Final = optional(is_text)
is_number: Final = instance_of(int)
is_time: Final = instance_of((int, float))
is_flag: Final = instance_of(bool)


def texts() -> Any:
    """A field that is several texts."""
    return attrs.field(converter=tuple, validator=deep_iterable(is_text))


def _as_address(given: Any) -> tuple[str, int] | None:
    """Host and port of a piece, which knows lists alone. Raises TypeError or ValueError for anything else."""
    if given is None:
        return None
    host, port = given
    if not isinstance(host, str) or not isinstance(port, int):
        raise TypeError(f"not an address: {given!r}")
    return host, port


@attrs.frozen(kw_only=True)
class SavedDialog:
    """The fields of a dialog. Wrong ones raise TypeError or ValueError."""

    call_id: str = attrs.field(validator=is_text)
    local_value: str = attrs.field(validator=is_text)
    local_tag: str = attrs.field(validator=is_text)
    remote_value: str = attrs.field(validator=is_text)
    remote_tag: str = attrs.field(validator=is_text)
    target: str = attrs.field(validator=is_text)
    route_set: tuple[str, ...] = texts()
    route_set_updates: bool = attrs.field(validator=is_flag)
    local_cseq: int = attrs.field(validator=is_number)  #: up to which requests of ours may have gone
    remote_cseq: int | None = attrs.field(validator=optional(is_number))
    local_user: str | None = attrs.field(validator=is_text_or_none)
    #: Over UDP the address that the other side sends from. A connection is gone: what comes by another is elsewhere.
    heard_at: tuple[str, int] | None = attrs.field(default=None, converter=_as_address)

    @classmethod
    def of(cls, dialog: Dialog) -> SavedDialog:
        """Those of a dialog as it is."""
        heard = dialog.heard_on
        return cls(
            call_id=dialog.call_id,
            local_value=dialog.local_value,
            local_tag=dialog.local_tag,
            remote_value=dialog.remote_value,
            remote_tag=dialog.remote_tag,
            target=str(dialog.target),
            route_set=dialog.route_set,
            route_set_updates=dialog.route_set_updates,
            local_cseq=dialog.cseq_room,
            remote_cseq=dialog.remote_cseq,
            local_user=dialog.local_user,
            heard_at=None if heard is None or heard.reliable else attrs.astuple(heard.remote),
        )

    def dialog(self) -> Dialog:
        """The dialog, without anything that uses it. Raises RemoteProtocolError for addresses that are none."""
        dialog = Dialog(
            call_id=self.call_id,
            local_value=self.local_value,
            local_tag=self.local_tag,
            remote_value=self.remote_value,
            remote_tag=self.remote_tag,
            target=Uri.parse(self.target),
            route_set=self.route_set,
            local_cseq=self.local_cseq,
            remote_cseq=self.remote_cseq,
            flow=None,
            heard_on=None if self.heard_at is None else Flow(0, "UDP", Address("", 0), Address(*self.heard_at)),
            local_user=self.local_user,
            state=DialogState.CONFIRMED,
        )
        dialog.route_set_updates = self.route_set_updates
        dialog.reserved_cseq = self.local_cseq
        assert dialog.next_hop  # a route that cannot be read is found here
        return dialog


def outlasts_connections(dialog: Dialog, dialled: Callable[[Flow], bool]) -> bool:
    """Whether requests can get to the other side without the connection that they use; ``dialled``: whether it is ours.

    See the head of this module.
    """
    flow = dialog.flow
    if flow is None or dialog.route_set or dialled(flow):
        return True
    port = dialog.target.port or DEFAULT_PORTS.get(flow.transport, 5060)
    return reached_host(dialog.target) == canonical_host(flow.remote.host) and port != flow.remote.port
