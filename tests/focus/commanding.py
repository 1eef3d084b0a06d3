"""Commands in the Focus dialog as they are, right or wrong."""

from __future__ import annotations

import attrs
from focus_site import Phone, Site

from c3p import (
    AddUser,
    Command,
    ConferenceKeys,
    Endpoint,
    JoiningMethod,
    Request,
    User,
    UserKeys,
    mcu_uri,
)
from sip import Response as SipResponse

PHONE = "sip:phone@example.org"
GUID = "{9E18DF61-D17F-E63A-19B4-CE30D96806FC}"
ELSEWHERE = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ELSEWHERE1"


def send(site: Site, phone: Phone, body: bytes, content_type: str = "application/cccp+xml") -> tuple[int, str | None]:
    """Send an INFO as it is; status and ErrorId of the answer."""
    session = phone.client._session
    assert session is not None
    phone.node.endpoint.request_in_session(session, "INFO", body=body, content_type=content_type, now=site.net.now)
    site.net.run()
    answer = [one for one in site.net.messages("focus") if isinstance(one, SipResponse) and one.cseq.method == "INFO"][
        -1
    ]
    diagnostics = answer.headers.get("ms-diagnostics")
    return answer.status, diagnostics.partition(";")[0] if diagnostics is not None else None


class Sender:
    """Makes commands of one participant with fresh requestIds."""

    def __init__(self, site: Site, phone: Phone, conference: str) -> None:
        self.site, self.phone, self.conference = site, phone, conference
        self.number = 1_000

    def refused(self, command: Command, **envelope: object) -> tuple[int, str | None]:
        """Status and ErrorId of the answer to a command."""
        self.number += 1
        document = Request(
            request_id=str(self.number), from_=self.phone.client.config.aor, to=self.conference, command=command
        )
        return send(self.site, self.phone, bytes(attrs.evolve(document, **envelope)))


def dial_out(conference: str, *, mcu: str | None = "audio-video", user: str = PHONE, **endpoint: object) -> AddUser:
    target = mcu if mcu is None or mcu.startswith("sip:") else mcu_uri(conference, mcu)
    made = attrs.evolve(Endpoint(entity=GUID, joining_method=JoiningMethod.DIALED_OUT), **endpoint)
    return AddUser(
        mcu_uri=target,
        conference_keys=ConferenceKeys(conf_entity=conference),
        user=User(entity=user, endpoints=(made,)),
    )


def keys(conference: str, user: str = PHONE) -> UserKeys:
    return UserKeys(conf_entity=conference, user_entity=user)


def connected(site: Site, alice: Phone, user: str = PHONE) -> Endpoint:
    """A phone that is in the conference; its endpoint."""
    alice.client.add_user(user, now=site.net.now)
    site.net.run()
    site.mcu_factory.mcus[0].answer_call(user)
    found = alice.user(user)
    assert found is not None
    return next(one for one in found.endpoints if one.session_type == "audio-video")
