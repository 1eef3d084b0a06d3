"""``pyc3p conference``: one thing done to a conference that somebody else holds, on loopback."""

import asyncio
from typing import Any

import pytest

from pyc3p.cli import main
from pyc3p.commands.errand import Errand, ErrandOptions
from pyc3p.commands.invite import Invite
from pyc3p.commands.output import Format
from pyc3p.elements.server import Server
from pyc3p.problems import Problem
from pyc3p.settings.serve import ServeConfig
from tests.pyc3p.test_serve import Kept, invite_options, phone_at, serve_config, until, with_server

ALICE = "sip:presenter@127.0.0.1"


async def errand(
    config: ServeConfig, line: str, conference: str | None, *, form: Format = Format.JSON, **more: Any
) -> tuple[int, Kept]:
    """Carry out one command as a script does."""
    told = Kept()
    told.format = form
    options = ErrandOptions(
        line=line, conference=conference, server=("127.0.0.1", config.sip_port), **{"aor": ALICE, **more}
    )
    return await Errand(options, told).run(), told


def test_everything_that_a_presenter_does_can_be_done_by_a_script() -> None:
    config, told = serve_config(), Kept()
    done: dict[str, int] = {}

    async def scenario(server: Server, output: Kept) -> None:
        phone, second = await phone_at(config, "bob"), await phone_at(config, "carol")
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1", subject="Talk"), told)
        running = asyncio.ensure_future(invite.run())
        await until(lambda: bool(invite.reached))
        uri = str(next(fields["conference"] for _, fields in told.lines if "conference" in fields))

        seen = [fields["change"] for _, fields in told.lines if "change" in fields]
        assert {"user": "sip:bob@127.0.0.1", "session_type": "audio-video", "status": "connected"}.items() <= (
            seen[-1].items()  # type: ignore[attr-defined]
        )
        (_, listed) = await errand(config, "list", None)
        (found,) = listed.lines[-1][1]["conferences"]  # type: ignore[misc, attr-defined]
        _, other = await errand(config, "list", None, aor="sip:presenter@localhost", form=Format.PLAIN)
        assert other.texts == [
            "sip:presenter@localhost has no conferences here; "
            "those of sip:presenter@127.0.0.1 are listed with --as that address"
        ]
        assert (found["conference"], found["subject"]) == (uri, "Talk")
        for line in (
            *("add sip:carol@127.0.0.1", "mute bob", "unmute bob", "hold bob", "resume bob", "gain bob 150"),
            *("keys bob 42#", "mute-all", "unmute-all", "announcements on", "lock", "unlock", "eject carol"),
        ):
            done[line], last = await errand(config, line, uri)
            assert done[line] == 0, last.texts
        _, shown = await errand(config, "roster", uri)
        rows = shown.lines[-1][1]["roster"]
        names = {row["user"] for row in rows if row["session_type"] == "audio-video"}  # type: ignore[attr-defined]
        assert names == {"sip:bob@127.0.0.1"}
        assert shown.lines[-1][1]["locked"] is False

        with pytest.raises(Problem, match="nobody is called 'eve'"):
            await errand(config, "mute eve", uri)
        with pytest.raises(Problem, match="nothing that can be done"):
            await errand(config, "leave", uri)
        code, refused = await errand(config, "lock", uri, aor="sip:eve@127.0.0.1")
        assert code == 1
        assert refused.lines[-1][1]["succeeded"] is False

        done["end"], _ = await errand(config, "end", uri)
        assert await running == 0
        await phone.stop()
        await second.stop()

    with_server(config, scenario)
    assert set(done.values()) == {0}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (["dance"], "is not one of"),
        (["list", "x", "--as", "sip:a@127.0.0.1"], "followed by no word"),
        (["mute", "--as", "sip:a@127.0.0.1"], "followed by a conference and more: 2 in all, not 0"),
        (["lock", "sip:nothing", "--as", "sip:a@127.0.0.1"], "is no conference"),
        (["list"], "--as"),
    ],
)
def test_a_line_that_makes_no_sense_is_explained(
    line: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["conference", *line])
    assert left.value.code == 2
    assert complaint in capsys.readouterr().err
