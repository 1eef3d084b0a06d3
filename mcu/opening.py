"""How a conference begins on an MCU: for a Focus, or as a room of its callers."""

from __future__ import annotations

import base64

from mcu.conference import Conference
from mcu.context import Context
from mcu.events import ConferenceStarted
from mcu.focus_link import FocusLink, FocusLinkSettings
from mcu.medium import Medium
from sip import Uri, conference_key


def open_conference(
    context: Context,
    medium: Medium,
    *,
    uri: str,
    key: str,
    mcu_uri: str,
    peer: str,
    url: str,
    assignment: str,
    room: bool = False,
    now: float,
) -> Conference:
    """A new conference: ``uri``, ``mcu_uri`` and ``url`` as its Focus spells them. A ``room`` has no Focus."""
    config = context.config
    address = Uri.parse(mcu_uri)
    settings = FocusLinkSettings(
        retry_first=config.retry_first,
        retry_longest=config.retry_longest,
        give_up=config.focus_timeout,
        probe=config.focus_probe,
        max_documents=config.max_queued_documents,
        max_responses=config.max_queued_responses,
    )
    conference = Conference(
        uri=uri,
        key=key,
        mcu_uri=mcu_uri,
        mcu_address=address,
        mcu_key=conference_key(address),
        peer=peer,
        epoch=0,
        focus_link=FocusLink(
            conference=uri, mcu_uri=mcu_uri, url=url, assignment=assignment, settings=settings, now=now
        ),
        commanded_at=now,
        conversation_id=base64.b64encode(bytes.fromhex(context.entropy.token(23))).decode(),
        room=room,
    )
    if room:
        conference.focus_link.close()  # there is nobody to be told anything
    medium.open(conference)
    context.conferences[key] = conference
    context.emit(ConferenceStarted(owner=config.owner, conference=uri))
    return conference
