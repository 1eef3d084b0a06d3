"""Sound of one's own in a conference: what ``pyc3p invite --audio`` says and hears."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import attrs

import focus
import rtp
import sip
from pyc3p.commands.output import Output
from pyc3p.phone.tone import DEFAULT_TONE, SilenceSource, ToneSource
from pyc3p.phone.wav import WavSource
from pyc3p.problems import UsageProblem
from rtp.aio import AudioSession
from sip import Event


@attrs.frozen(kw_only=True)
class OwnSound:
    """What was asked for at the command line."""

    source: rtp.AudioSource  #: what we say, without end
    record: Path | None = None  #: WAV file for what we hear

    @classmethod
    def read(cls, audio: str | None, record: Path | None) -> OwnSound | None:
        """``tone``, ``tone:HERTZ``, ``silence`` or a WAV file, None for no sound at all; raises UsageProblem."""
        if audio is None:
            if record is None:
                return None
            audio = "silence"
        return cls(source=_source(audio), record=record)


def _source(audio: str) -> rtp.AudioSource:
    kind, _, hertz = audio.partition(":")
    try:
        if kind == "tone":
            return ToneSource(float(hertz) if hertz else DEFAULT_TONE)
        return SilenceSource() if audio == "silence" else WavSource.open(Path(audio))
    except ValueError as error:
        raise UsageProblem(f"--audio {audio}: {error}") from error
    except OSError as error:
        raise UsageProblem(f"--audio {audio}: {error.strerror}; or is it tone, tone:440 or silence?") from error


class Participant:
    """The call of a client to the MCU of its conference, and the sound in it."""

    def __init__(
        self, sound: OwnSound | None, client: focus.Client, agent: sip.UserAgent, host: str, output: Output
    ) -> None:
        self._sound, self._client, self._agent, self._host, self._output = sound, client, agent, host, output
        self._session: AudioSession | None = None
        self._playing: asyncio.Task[bool] | None = None
        self._begun = 0  # calls so far: each after the first came after a loss

    def begin(self, *, now: float) -> None:
        """Call the MCU, if there is to be sound; raises UsageProblem when the recording cannot be written."""
        if self._sound is None:
            return
        session = self._session = AudioSession(host=self._host)
        self._begun += 1
        record = self._sound.record
        if record is not None:
            try:
                session.record(record if self._begun == 1 else record.with_stem(f"{record.stem}-{self._begun}"))
            except OSError as error:
                session.close()
                raise UsageProblem(f"{record} cannot be written: {error.strerror}") from error
        self._client.call_mcu(self._agent, session, now=now)

    def happened(self, event: Event, *, now: float) -> None:
        """Act on what the client and its user agent tell."""
        match event:
            case sip.CallReceived():
                event.call.refuse(480, now=now)  # this is no phone
            case sip.CallAnswered() if self._session is not None and self._sound is not None:
                self._output.tell("you are heard", "green", audio="talking")
                self._playing = asyncio.ensure_future(self._session.play(_frames(self._sound.source)))
            case sip.CallEnded():
                self._ended(event)
            case focus.Rejoined() if not self._agent.calls:
                self.begin(now=now)
            case _:
                pass

    def _ended(self, event: sip.CallEnded) -> None:
        self.stop()
        if event.cause not in (sip.CallEnd.HUNG_UP_HERE, sip.CallEnd.GIVEN_UP_HERE):
            self._output.tell(f"you are no longer heard: {event.text}", "red", audio=event.text)

    def stop(self) -> None:
        """No more sound."""
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    def end(self, *, now: float) -> None:
        """Hang up."""
        self._agent.close(now=now)
        self.stop()


def _frames(source: rtp.AudioSource) -> Iterator[bytes]:
    while (frame := source.next_frame()) is not None:
        yield frame
