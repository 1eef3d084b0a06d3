"""A phone that knows no invitations: sipp, which the conference calls in place of that (MS-CONFBAS)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.interop.programs import HOST, free_port, require, running, wait_for_text
from tests.interop.test_pidgin import LIMIT, served

SCENARIOS = Path(__file__).with_name("scenarios")


def test_sipp_refuses_an_invitation_and_is_called_instead(tmp_path: Path) -> None:
    require("sipp")
    phone, log = free_port(), tmp_path / "invite.log"
    sipp = ["sipp", "-i", HOST, "-t", "u1", "-nostdin", "-s", "bob", "-key", "domain", HOST]
    invite = [sys.executable, "-m", "pyc3p", "invite", "--as", f"sip:ann@{HOST}"]
    with served(tmp_path) as (port, server):
        register = [*sipp, "-sf", str(SCENARIOS / "register.xml"), "-key", "phone_port", str(phone), "-m", "1"]
        subprocess.run([*register, f"{HOST}:{port}"], cwd=tmp_path, check=True, timeout=LIMIT, capture_output=True)
        wait_for_text(server, "bob registered", limit=LIMIT)
        answer = [*sipp, "-sf", str(SCENARIOS / "knows_no_invitations.xml"), "-p", str(phone), "-m", "2"]
        with running(answer, tmp_path / "sipp.log", cwd=tmp_path), log.open("wb") as output:
            presenter = subprocess.Popen(
                [*invite, "--server", f"{HOST}:{port}"], stdin=subprocess.PIPE, stdout=output, cwd=SCENARIOS.parents[2]
            )
            try:
                wait_for_text(log, "joined as presenter", limit=LIMIT)
                assert presenter.stdin is not None
                presenter.stdin.write(f"ask sip:bob@{HOST}\n".encode())
                presenter.stdin.flush()
                wait_for_text(log, "knows no invitations, and is called", limit=LIMIT)
                wait_for_text(log, "is on the phone", limit=LIMIT)
            finally:
                presenter.terminate()
                presenter.wait(LIMIT)
