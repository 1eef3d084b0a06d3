"""What of a Focus another core of the same package works with: `WaysIn`, for calls that bring media."""

from __future__ import annotations

from collections.abc import Callable, Container

import attrs

from c3p import conf_id_of
from focus.active import ActiveConferences
from focus.context import Context
from focus.guests import Guests
from focus.questions.procedures import Procedures
from focus.questions.stores import Records
from sip import Flow, Request


def _no_call(request: Request, flow: Flow) -> bool:
    return False


@attrs.define
class Inside:
    """The parts of one Focus."""

    context: Context
    active: ActiveConferences
    records: Records
    guests: Guests
    procedures: Procedures
    #: Whether a request is for the other core, and not for the Focus.
    is_of_a_call: Callable[[Request, Flow], bool] = _no_call

    def is_for_focus(self, request: Request, flow: Flow, domains: Container[str]) -> bool:
        """Whether a request is about a conference of these domains, and for the Focus itself."""
        uri = request.uri
        return uri.host in domains and conf_id_of(str(uri)) is not None and not self.is_of_a_call(request, flow)

    def mcus_of(self, principal: str) -> dict[str, str]:
        """URLs of the MCUs by id that active conferences have, of a principal: itself, or its workers."""
        links = [link.address for conference in self.active for link in conference.mcus.links.values()]
        return {each.mcu_id: each.http_url for each in links if each is not None and principal in each.principals}
