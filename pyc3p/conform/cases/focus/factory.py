"""Conferences at the Focus Factory: made, read, changed, deleted."""

from __future__ import annotations

import attrs

from c3p import (
    Command,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    GetConference,
    GetConferences,
    GetConferencingCapabilities,
    ModifyConference,
    Unknown,
    UnknownCommand,
    conf_id_of,
    conference_key,
    focus_uri,
    is_focus_uri,
    uri_key,
)
from pyc3p.conform.case import Trait
from pyc3p.conform.cases.focus.sources import (
    CONFBAS,
    ERROR_IDS,
    FACTORY,
    OURS,
    SERVICE_REQUEST,
    SERVICE_RESPONSE,
    focus_case,
)
from pyc3p.conform.conference.answers import Answered
from pyc3p.conform.conference.bench import FocusBench
from sip.testing import Force


def _done(bench: FocusBench, answered: Answered) -> Command:
    """The command of a success; blames the target for anything else."""
    if not answered.succeeded or answered.final is None or answered.final.command is None:
        bench.blame(answered.told)
    return answered.final.command


def _info(bench: FocusBench, answered: Answered) -> ConferenceInfo:
    command = _done(bench, answered)
    info = getattr(command, "conference_info", None)
    if not isinstance(info, ConferenceInfo):
        bench.blame(f"no conference-info in {command.name}")
    return info


def _made(bench: FocusBench) -> tuple[str, Answered]:
    """A conference for this case, and the answer to its addConference."""
    conference_id = bench.conference_id()
    answered = bench.ask_factory(bench.new_conference(conference_id))
    if answered.succeeded:
        bench.ground.made.append(conference_id)
        bench.tidying.append(lambda: bench.deleted(conference_id))
    return conference_id, answered


@focus_case(SERVICE_RESPONSE, Force.MUST, applies=FACTORY)
def created(bench: FocusBench) -> None:
    """addConference with an id that is free is answered success, with the URI of the conference."""
    _, answered = _made(bench)
    entity = _info(bench, answered).entity
    if not is_focus_uri(entity):
        bench.blame(f"entity is {entity!r}, which is no Conference-URI")


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def uri_of_conference(bench: FocusBench) -> None:
    """The Conference-URI has the address of the organizer and the id that was asked for."""
    conference_id, answered = _made(bench)
    entity = _info(bench, answered).entity
    wanted = focus_uri(str(bench.focus.organizer), conference_id)
    if (conf_id_of(entity) or "").lower() != conference_id.lower() or conference_key(entity) != conference_key(wanted):
        bench.blame(f"{entity!r}, not {wanted!r}")


@focus_case(SERVICE_RESPONSE, Force.MUST, applies=FACTORY)
def envelope(bench: FocusBench) -> None:
    """A response has requestId of its request, from and to of it the other way round, and one child of that name."""
    request = bench.factory_request(GetConferencingCapabilities())
    response = bench.ask_factory(request).final
    if response is None:
        bench.blame("no C3P response")
    if response.request_id != request.request_id:
        bench.blame(f"requestId is {response.request_id!r}, not {request.request_id!r}")
    if uri_key(response.from_) != uri_key(request.to) or uri_key(response.to) != uri_key(request.from_):
        bench.blame(f"from {response.from_} to {response.to}")
    if response.command is None or response.more or response.command.name != request.command.name:
        bench.blame(f"its child is {response.command.name if response.command else 'missing'}")


@focus_case(SERVICE_REQUEST, Force.MUST, applies=FACTORY)
def request_id_zero(bench: FocusBench) -> None:
    """requestId may be any whole number, 0 too, and comes back as it was."""
    for number in ("0", "99999999999"):
        response = bench.ask_factory(bench.factory_request(GetConferencingCapabilities(), request_id=number)).final
        if response is None or response.request_id != number:
            bench.blame(f"requestId {number} comes back as {None if response is None else response.request_id}")


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def capabilities(bench: FocusBench) -> None:
    """getConferencingCapabilities is answered with the types of MCU."""
    command = _done(bench, bench.ask_factory(GetConferencingCapabilities()))
    if not isinstance(command, GetConferencingCapabilities) or not command.mcu_types:
        bench.blame("no mcu-types")


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def fetched(bench: FocusBench) -> None:
    """getConference gives what was stored, with its URI."""
    conference_id = bench.conference_id()
    uri = bench.made(conference_id, subject="A talk about < & > and Zoë")
    bench.tidying.append(lambda: bench.deleted(conference_id))
    info = _info(bench, bench.fetched(conference_id))
    if uri_key(info.entity) != uri_key(uri):
        bench.blame(f"entity is {info.entity!r}, not {uri!r}")
    subject = info.description.subject if info.description is not None else None
    if subject != "A talk about < & > and Zoë":
        bench.blame(f"subject is {subject!r}")


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def fetched_nowhere(bench: FocusBench) -> None:
    """getConference for an id that there is not fails."""
    answered = bench.fetched(bench.conference_id())
    if not answered.refused:
        bench.blame(answered.told)


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def id_taken(bench: FocusBench) -> None:
    """addConference with an id that this organizer uses already fails: ids are unique among those of one."""
    conference_id, answered = _made(bench)
    if not answered.succeeded:
        bench.skip(f"addConference is answered {answered.told}")
    again = bench.ask_factory(bench.new_conference(conference_id))
    if not again.refused:
        bench.blame(f"the second one is answered {again.told}")


@focus_case(OURS, Force.OURS, applies=FACTORY)
def id_taken_reason(bench: FocusBench) -> None:
    """The reason of a second addConference with one id is conferenceExistsAlready, in a 200."""
    conference_id, _ = _made(bench)
    again = bench.ask_factory(bench.new_conference(conference_id))
    if (again.status, again.specific) != (200, "conferenceExistsAlready"):
        bench.blame(again.told)


@focus_case(OURS, Force.OURS, applies=FACTORY)
def fetched_nowhere_reason(bench: FocusBench) -> None:
    """The reason for an id that there is not is conferenceDoesntExist, in a 200."""
    answered = bench.fetched(bench.conference_id())
    if (answered.status, answered.specific) != (200, "conferenceDoesntExist"):
        bench.blame(answered.told)


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def listed(bench: FocusBench) -> None:
    """getConferences lists a conference that was made."""
    conference_id, answered = _made(bench)
    if not answered.succeeded:
        bench.skip(f"addConference is answered {answered.told}")
    command = _done(bench, bench.ask_factory(GetConferences()))
    found = command.conference_infos if isinstance(command, GetConferences) else ()
    if not any((conf_id_of(each.entity) or "").lower() == conference_id.lower() for each in found):
        bench.blame(f"{len(found)} conferences, and not this one")


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def modified(bench: FocusBench) -> None:
    """modifyConference replaces what is stored."""
    conference_id, answered = _made(bench)
    if not answered.succeeded:
        bench.skip(f"addConference is answered {answered.told}")
    info = ConferenceInfo(
        entity="", description=ConferenceDescription(subject="Another subject", conference_id=conference_id)
    )
    keys = ConferenceKeys(conference_id=conference_id)
    _done(bench, bench.ask_factory(ModifyConference(conference_keys=keys, conference_info=info)))
    now = _info(bench, bench.fetched(conference_id))
    if now.description is None or now.description.subject != "Another subject":
        bench.blame(f"subject is {now.description.subject if now.description else None!r}")


@focus_case(CONFBAS, Force.SHOULD, applies=FACTORY)
def deleted(bench: FocusBench) -> None:
    """After deleteConference there is no such conference any more."""
    conference_id = bench.conference_id()
    bench.made(conference_id)
    answered = bench.deleted(conference_id)
    if not answered.succeeded:
        bench.blame(f"deleteConference is answered {answered.told}")
    again = bench.fetched(conference_id)
    if not again.refused:
        bench.blame(f"getConference is answered {again.told}")


@focus_case(CONFBAS, Force.SHOULD, applies=(Trait.FACTORY, Trait.FOCUS))
def deleted_not_joined(bench: FocusBench) -> None:
    """A conference that was deleted cannot be joined."""
    conference_id = bench.conference_id()
    bench.conference = bench.made(conference_id)
    bench.deleted(conference_id)
    answered = bench.member().try_to_join()
    if not answered.refused:
        bench.blame(f"the join is answered {answered.told}")


@focus_case(SERVICE_REQUEST, Force.MUST, applies=FACTORY)
def organizer_only(bench: FocusBench) -> None:
    """Somebody else makes no conference of this organizer: from is the organizer."""
    conference_id = bench.conference_id()
    answered = bench.ask_factory(bench.new_conference(conference_id), name="attendee")
    if not answered.refused:
        bench.ground.made.append(conference_id)
        bench.tidying.append(lambda: bench.deleted(conference_id))
        bench.blame(answered.told)


@focus_case(SERVICE_REQUEST, Force.MUST, applies=FACTORY)
def other_from(bench: FocusBench) -> None:
    """A document whose from is not the sender of the request is refused."""
    request = bench.factory_request(GetConferencingCapabilities(), aor=bench.focus.attendee)
    answered = bench.ask_factory(request)
    if not answered.refused:
        bench.blame(answered.told)
    if answered.error_id not in (None, 3000):
        bench.blame(f"ErrorId {answered.error_id}, not 3000")


@focus_case(SERVICE_REQUEST, Force.MUST, applies=FACTORY)
def other_to(bench: FocusBench) -> None:
    """A document whose to is not the URI in To is refused."""
    request = attrs.evolve(bench.factory_request(GetConferencingCapabilities()), to="sip:nobody@nowhere.invalid")
    answered = bench.ask_factory(request)
    if not answered.refused:
        bench.blame(answered.told)
    if answered.error_id not in (None, 3001):
        bench.blame(f"ErrorId {answered.error_id}, not 3001")


@focus_case(ERROR_IDS, Force.SHOULD, applies=FACTORY)
def unknown_command(bench: FocusBench) -> None:
    """A command that nobody knows is refused; where an ErrorId is told it is 3004."""
    element = Unknown("{urn:ietf:params:xml:ns:cccp}renewConference", (), ())
    answered = bench.ask_factory(bench.factory_request(UnknownCommand(element=element)))
    if not answered.refused:
        bench.blame(answered.told)
    if answered.error_id not in (None, 3004):
        bench.blame(f"ErrorId {answered.error_id}, not 3004")


@focus_case(OURS, Force.OURS, applies=FACTORY)
def unknown_elements(bench: FocusBench) -> None:
    """Elements and attributes that nobody knows are no reason to refuse a command."""
    conference_id = bench.conference_id()
    text = bytes(bench.factory_request(bench.new_conference(conference_id)))
    strange = text.replace(
        b"</addConference>", b'<x:later xmlns:x="urn:example:later" y="1">z</x:later></addConference>'
    )
    answered = bench.ask_factory(strange.replace(b"<addConference", b'<addConference x-later="1"', 1))
    if answered.succeeded:
        bench.tidying.append(lambda: bench.deleted(conference_id))
    else:
        bench.blame(answered.told)


@focus_case(OURS, Force.OURS, applies=FACTORY)
def keys_needed(bench: FocusBench) -> None:
    """getConference without an id is no success."""
    answered = bench.ask_factory(GetConference(conference_keys=ConferenceKeys()))
    if not answered.refused:
        bench.blame(answered.told)
