"""Conferences on an MCU: made, reported, locked, dropped."""

from __future__ import annotations

from c3p import (
    AddConference,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    GetConference,
    conference_key,
    uri_key,
)
from pyc3p.conform.cases.mcu.sources import CONFBAS, ENVELOPE, MCU, OURS, WIRE, mcu_case
from pyc3p.conform.conference.commands import eject, give_role, lock
from pyc3p.conform.mcu.bench import McuBench
from pyc3p.conform.mcu.replies import Replied
from sip.testing import Force

_NOBODY = "sip:nobody@nowhere.invalid"


def _info(bench: McuBench, replied: Replied) -> ConferenceInfo:
    command = replied.final.command if replied.final is not None else None
    info = getattr(command, "conference_info", None)
    if not replied.succeeded or not isinstance(info, ConferenceInfo):
        bench.blame(replied.told if not replied.succeeded else "no conference-info")
    return info


def _locked(info: ConferenceInfo | None) -> bool | None:
    views = info.conference_view.views if info is not None and info.conference_view is not None else ()
    found = [each.entity_state.locked for each in views if each.entity_state is not None]
    return next((each for each in found if each is not None), None)


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def added(bench: McuBench) -> None:
    """addConference with the URI of a conference and of the callback is a success."""
    replied = bench.add()
    if not replied.succeeded:
        bench.blame(replied.told)


@mcu_case(ENVELOPE, Force.MUST, applies=MCU)
def envelope(bench: McuBench) -> None:
    """A response has requestId of its request, from and to of it the other way round, and the same command."""
    bench.new_conference()
    request = bench.document(bench.bootstrap(), request_id="0")
    replied = bench.ask(request)
    bench.added[bench.conference] = None
    response = replied.final
    if response is None:
        bench.blame(replied.told)
    if response.request_id != "0":
        bench.blame(f"requestId is {response.request_id!r}, not '0'")
    if uri_key(response.from_) != uri_key(request.to) or uri_key(response.to) != uri_key(request.from_):
        bench.blame(f"from {response.from_} to {response.to}")
    if response.command is None or response.more or response.command.name != AddConference.NAME:
        bench.blame(f"its child is {response.command.name if response.command else 'missing'}")


@mcu_case(OURS, Force.OURS, applies=MCU)
def added_again(bench: McuBench) -> None:
    """addConference for a conference that the MCU has of the same Focus is a success again."""
    bench.stand()
    replied = bench.ask(bench.bootstrap())
    if not replied.succeeded:
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=MCU)
def view_in_the_answer(bench: McuBench) -> None:
    """The answer to addConference has the view of the MCU."""
    replied = bench.add()
    info = _info(bench, replied)
    views = info.conference_view.views if info.conference_view is not None else ()
    if not any(uri_key(each.entity) == uri_key(bench.own_uri) for each in views):
        bench.blame(f"its views are {', '.join(each.entity for each in views) or 'none'}")


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def get_conference(bench: McuBench) -> None:
    """getConference is answered with the full state of the conference."""
    bench.stand()
    info = _info(bench, bench.get())
    if info.state not in (None, "full") or conference_key(info.entity) != conference_key(bench.conference):
        bench.blame(f"a {info.state or 'full'} document of {info.entity!r}")


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def unknown(bench: McuBench) -> None:
    """A command for a conference that the MCU does not have is refused."""
    bench.new_conference()
    replied = bench.get()
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(WIRE, Force.OURS, applies=MCU)
def unknown_status(bench: McuBench) -> None:
    """A command for a conference that the MCU does not have is HTTP 404 with conferenceDoesntExist."""
    bench.new_conference()
    replied = bench.get()
    if (replied.status, replied.specific) != (404, "conferenceDoesntExist"):
        bench.blame(replied.told)


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def dropped(bench: McuBench) -> None:
    """After deleteConference the MCU does not have the conference any more."""
    bench.stand()
    replied = bench.drop()
    if not replied.succeeded:
        bench.blame(replied.told)
    after = bench.get()
    if not after.refused:
        bench.blame(f"getConference is answered {after.told}")


@mcu_case(OURS, Force.OURS, applies=MCU)
def dropped_twice(bench: McuBench) -> None:
    """deleteConference for what is gone is HTTP 404, so that a Focus may ask as often as it likes."""
    bench.stand()
    bench.drop()
    again = bench.drop()
    if again.status != 404:
        bench.blame(again.told)


@mcu_case(OURS, Force.OURS, applies=MCU)
def end_of_another_assignment(bench: McuBench) -> None:
    """A deleteConference that names an assignment that is over ends nothing."""
    bench.stand()
    keys = ConferenceKeys(conf_entity=bench.conference)
    replied = bench.ask(DeleteConference(conference_keys=keys, assignment="1"))
    if not replied.refused:
        bench.blame(replied.told)
    if not bench.get().succeeded:
        bench.blame("the conference is gone")


@mcu_case(OURS, Force.OURS, applies=MCU)
def first_report_is_full(bench: McuBench) -> None:
    """The first report of a conference is the whole state."""
    bench.stand()
    if not bench.until(lambda: bench.callback.notified):
        bench.blame("nothing is reported")
    state = bench.callback.notified[0].conference_info.state
    if state not in (None, "full"):
        bench.blame(f"its state is {state!r}")


@mcu_case(WIRE, Force.OURS, applies=MCU)
def reports_are_addressed(bench: McuBench) -> None:
    """A report is from the MCU-Conference-URI to the Conference-URI, and names its assignment."""
    bench.new_conference()
    request = bench.document(bench.bootstrap())
    if not bench.ask(request).succeeded:
        bench.skip("addConference is refused")
    bench.added[bench.conference] = None
    if not bench.until(lambda: bench.callback.notified):
        bench.blame("nothing is reported")
    told = bench.callback.notified[0]
    if uri_key(told.from_) != uri_key(bench.own_uri) or uri_key(told.to) != uri_key(bench.conference):
        bench.blame(f"from {told.from_} to {told.to}")
    if told.assignment != request.request_id:
        bench.blame(f"its assignment is {told.assignment!r}, not {request.request_id!r}")


@mcu_case("RFC 4575 section 5.2", Force.MUST, applies=MCU)
def versions_rise(bench: McuBench) -> None:
    """Each report has a higher version, a partial one by exactly one."""
    bench.stand()
    for locked in (True, False, True):
        bench.command(lock(bench.conference, locked))
    bench.until(lambda: len(bench.callback.notified) >= 4)
    last: int | None = None
    for info in [each.conference_info for each in bench.callback.notified]:
        if info.version is None:
            bench.blame("a report without a version")
        if last is not None and (info.version <= last or (info.state == "partial" and info.version != last + 1)):
            bench.blame(f"a {info.state or 'full'} report with version {info.version} after {last}")
        last = info.version


@mcu_case(WIRE, Force.OURS, applies=MCU)
def reports_are_numbered(bench: McuBench) -> None:
    """notificationId counts up by one."""
    bench.stand()
    for locked in (True, False):
        bench.command(lock(bench.conference, locked))
    bench.until(lambda: len(bench.callback.notified) >= 3)
    numbers = [each.notification_id for each in bench.callback.notified]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True:
        bench.blame(f"{numbers}")


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def locks(bench: McuBench) -> None:
    """modifyConferenceLock locks and unlocks, and it is reported."""
    bench.stand()
    for locked in (True, False):
        replied = bench.command(lock(bench.conference, locked))
        if not replied.succeeded:
            bench.blame(f"locked: {locked} is answered {replied.told}")
        if not bench.until(lambda locked=locked: _locked(bench.callback.roster) is locked):  # type: ignore[misc]
            bench.blame(f"{_locked(bench.callback.roster)} is reported after {locked}")


@mcu_case(OURS, Force.OURS, applies=MCU)
def begins_locked(bench: McuBench) -> None:
    """A conference that is locked in addConference is locked."""
    bench.stand(locked=True)
    info = _info(bench, bench.get())
    if _locked(info) is not True:
        bench.blame(f"locked is {_locked(info)}")


@mcu_case(OURS, Force.OURS, applies=MCU)
def no_callback(bench: McuBench) -> None:
    """addConference without a callback is a failure: there is nobody to be told."""
    replied = bench.add(callback="")
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=MCU)
def no_information(bench: McuBench) -> None:
    """addConference without conference-info is a failure."""
    bench.new_conference()
    replied = bench.ask(AddConference(callback_uri=bench.callback.url))
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def eject_nobody(bench: McuBench) -> None:
    """deleteUser for somebody who is not there is a failure."""
    bench.stand()
    replied = bench.command(eject(bench.conference, _NOBODY))
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=MCU)
def eject_nobody_reason(bench: McuBench) -> None:
    """Its reason is userDoesntExist."""
    bench.stand()
    replied = bench.command(eject(bench.conference, _NOBODY))
    if replied.specific != "userDoesntExist":
        bench.blame(replied.told)


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def role_of_nobody(bench: McuBench) -> None:
    """modifyUserRoles for somebody who is not there is a failure."""
    bench.stand()
    replied = bench.command(give_role(bench.conference, _NOBODY, "presenter"))
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def two_conferences(bench: McuBench) -> None:
    """What is done to one conference is not done to another."""
    bench.stand()
    first = bench.conference
    bench.stand()
    bench.command(lock(bench.conference, True))
    bench.conference = first
    info = _info(bench, bench.command(GetConference(conference_keys=ConferenceKeys(conf_entity=first))))
    if _locked(info):
        bench.blame("the other one is locked, too")
