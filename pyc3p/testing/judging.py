"""What must hold in a conference, whoever the Focus and the MCU are: looked at from outside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import c3p
from c3p.testing import Finding as OfDocuments
from c3p.testing import check_exchange, check_roster_sequence
from pyc3p.testing.stage import ATTENDEE, LATECOMER, PRESENTER, TONES, Stage, read_document, read_message
from sip import Request
from sip.testing import Finding, Force, check_traffic


def judge_all(stage: Stage, judged: str) -> None:
    """Everything that was sent by the element that is judged."""
    for finding in check_traffic(stage.passages(), until=stage.network.now):
        if finding.by in (judged, None):
            stage.add(finding)
    _judge_exchanges(stage, judged)
    if judged == "focus":
        _judge_order(stage, judged)
    else:
        _judge_notifications(stage, judged)
    _judge_rosters(stage, judged)
    _judge_ends(stage)


def _judge_exchanges(stage: Stage, judged: str) -> None:
    """Each command to the element that is judged has one final response, which answers it."""
    asked: dict[tuple[str, str, str], c3p.Request] = {}
    answers: dict[tuple[str, str, str], list[c3p.Response]] = {}
    seen: set[bytes] = set()
    for each in stage.sent:
        passing = each.passing
        if judged not in (passing.sender, passing.receiver) or passing.data in seen:
            continue  # what is repeated says nothing new
        seen.add(passing.data)
        document = read_document(passing)
        if isinstance(document, c3p.Request) and passing.receiver == judged:
            asked.setdefault((passing.layer, passing.sender, document.request_id), document)
        elif isinstance(document, c3p.Response) and passing.sender == judged:
            answers.setdefault((passing.layer, passing.receiver, document.request_id), []).append(document)
    for key, responses in answers.items():
        request = asked.get(key)
        if request is None:
            clause = "a response has the requestId of a request"
            stage.blame("C3P, request and response", Force.MUST, clause, f"{key[2]} to {key[1]}", *responses)
            continue
        for finding in check_exchange(request, responses):
            stage.add(_shared(finding))


def _judge_order(stage: Stage, focus: str) -> None:
    """What MCUs have to agree to is no success before they did."""
    asked: list[tuple[int, str, c3p.Request]] = []
    relayed: list[tuple[int, c3p.Request]] = []
    agreed: dict[str, int] = {}
    successes: list[tuple[int, str, c3p.Response]] = []
    for place, each in enumerate(stage.sent):
        passing = each.passing
        document = read_document(passing)
        if isinstance(document, c3p.Request) and passing.receiver == focus and passing.layer == "sip":
            asked.append((place, passing.sender, document))
        elif isinstance(document, c3p.Request) and passing.sender == focus and passing.layer == "http":
            relayed.append((place, document))
        elif isinstance(document, c3p.Response) and passing.layer == "http" and passing.receiver == focus:
            if document.final:
                agreed.setdefault(document.request_id, place)
        elif isinstance(document, c3p.Response) and document.code is c3p.Code.SUCCESS and passing.sender == focus:
            successes.append((place, passing.receiver, document))
    for place, client, response in successes:
        since, request = next(
            ((at, each) for at, by, each in asked if by == client and each.request_id == response.request_id), (0, None)
        )
        aim = _aim(request) if request is not None else None
        if request is None or aim is None:
            continue
        # What is relayed after another command of that kind may be for that one.
        until = next((at for at, _, each in asked if at > since and _aim(each) == aim), len(stage.sent))
        for at, command in relayed:
            if since < at < until and _aim(command) == aim and agreed.get(command.request_id, until) >= place:
                clause = "a command that an MCU carries out succeeds when the MCU has said so"
                seen = f"success of {command.command.name} before the MCU answered request {command.request_id}"
                stage.blame("C3P, what a success says", Force.MUST, clause, seen, request, command, response)


def _aim(request: c3p.Request) -> tuple[str, str] | None:
    """Command and user, for commands that an MCU has to agree to."""
    match request.command:
        case c3p.AddUser(user=user) if user is not None:
            return "addUser", user.entity
        case c3p.DeleteUser(user_keys=keys):
            return "deleteUser", keys.user_entity
        case c3p.ModifyEndpointMedia(media_keys=keys):
            return "modifyEndpointMedia", keys.user_entity
    return None


def _judge_notifications(stage: Stage, mcu: str) -> None:
    """What an MCU reports to its Focus has numbers that count on, and versions as notifications have.

    An answer to ``getConference`` has a version of its own, so that it takes the place of what was under way.
    """
    reports: list[c3p.Notify] = []
    documents: list[c3p.ConferenceInfo] = []
    for each in stage.sent:
        document = read_document(each.passing) if each.passing.sender == mcu else None
        if isinstance(document, c3p.Notify) and document not in reports:
            reports.append(document)
            documents.append(document.conference_info)
        elif isinstance(document, c3p.Response) and isinstance(document.command, c3p.GetConference):
            whole = document.command.conference_info
            documents += [whole] if whole is not None else []
    for before, after in pairwise(reports):
        if after.notification_id != before.notification_id + 1:
            clause = "notifications of an MCU are numbered"
            seen = f"{after.notification_id} after {before.notification_id}"
            stage.blame("C3P over HTTP, notify", Force.OURS, clause, seen, before, after)
    for finding in check_roster_sequence(documents, from_the_start=False):
        stage.add(_shared(finding))


def _judge_rosters(stage: Stage, judged: str) -> None:
    """The notifications of each subscription follow one another (RFC 4575), the first may come in the 200."""
    dialogs: dict[tuple[str, str | None], list[c3p.ConferenceInfo]] = {}
    seen: set[tuple[str | None, str | None, bool]] = set()
    for each in stage.sent:
        message = read_message(each.passing) if each.passing.layer == "sip" and each.passing.sender == judged else None
        document = read_document(each.passing) if message is not None else None
        if message is None or not isinstance(document, c3p.ConferenceInfo):
            continue
        once = message.headers.get("Call-ID"), message.headers.get("CSeq"), isinstance(message, Request)
        if once not in seen:
            seen.add(once)
            dialogs.setdefault((each.passing.receiver, once[0]), []).append(document)
    for documents in dialogs.values():
        for finding in check_roster_sequence(documents):
            stage.add(_shared(finding))


def _judge_ends(stage: Stage) -> None:
    """Each command ended once."""
    for given in stage.given:
        if len(given.ended) != 1 and stage.network.now > given.at + 200.0:
            stage.case = given.name
            clause = "each command has one final response"
            seen = f"{given.by}'s {given.name} had {len(given.ended)}"
            stage.blame("C3P, request and response", Force.MUST, clause, seen)


def judge_quiet(stage: Stage) -> None:
    """When nothing moves any more everybody sees the same, and that is so."""
    joined = [
        name
        for name in (PRESENTER, ATTENDEE, LATECOMER)
        if stage.has_joined(name) and stage.meeting.client(name).roster is not None and not _waits(stage, name)
    ]
    views = {name: stage.meeting.roster(name) for name in joined}
    for name in joined[1:]:
        if views[name] != views[joined[0]]:
            clause = "all subscribers see the same"
            seen = f"{name} and {joined[0]}: {sorted(set(views[name].items()) ^ set(views[joined[0]].items()))}"
            stage.blame("RFC 4575 section 4.6", Force.MUST, clause, seen)
    if joined:
        _judge_truth(stage, joined[0], joined)


def _waits(stage: Stage, name: str) -> bool:
    """Whether somebody is in the lobby, where one sees only oneself."""
    states, own = stage.meeting.roster(PRESENTER), stage.meeting.client(name).config.aor
    return any(uri == own and "on-hold" in state for (uri, _), state in states.items())


def _judge_truth(stage: Stage, name: str, joined: Sequence[str]) -> None:
    states = stage.meeting.roster(name)
    for user in TONES:
        shown = [state for (uri, _), state in states.items() if uri == stage.aor(user) and state.startswith("audio")]
        connected = any("connected" in state for state in shown)
        if connected != stage.talks(user):
            clause = "who is shown as connected is in a call, and nobody else"
            seen = f"{user} is shown as {shown or 'absent'} and {'talks' if stage.talks(user) else 'does not talk'}"
            stage.blame("RFC 4575 section 5.7.3", Force.MUST, clause, seen)
    present = {uri for uri, _ in states}
    for member in joined:
        if stage.meeting.client(member).config.aor not in present:
            clause = "who has joined is in the roster"
            stage.blame("RFC 4575 section 5.6", Force.MUST, clause, f"{member} is not in that of {name}")


def judge_legs(stage: Stage) -> None:
    """Some seconds after the end of a conference nobody is in a call any more."""
    for user in TONES:
        if not stage.is_idle(user):
            clause = "a leg ends with its conference"
            stage.blame("C3P, deleteConference", Force.MUST, clause, f"the phone of {user} is still in a call")


def judge_end(stage: Stage) -> None:
    """When the conference is long over nothing of it is left."""
    for name, one in stage.meeting.sim.farm.mcus.items():
        if one.conferences or one.legs:
            clause = "an MCU is told of the end of a conference"
            stage.blame("C3P, deleteConference", Force.MUST, clause, f"{name} still has {one.conferences}")
    for name in (PRESENTER, ATTENDEE, LATECOMER):
        if stage.has_joined(name):
            clause = "everybody is told of the end of a conference"
            stage.blame("C3P, deleteConference", Force.MUST, clause, f"{name} is still in it")


def _shared(finding: OfDocuments) -> Finding:
    """A finding of ``c3p.testing`` as one of ``sip.testing``, which is the same class under another name."""
    values = {name: getattr(finding, name) for name in ("source", "clause", "seen", "messages", "expected", "by")}
    return Finding(force=Force(finding.force.value), **values)
