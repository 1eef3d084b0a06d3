"""The example that calls with audio calls a real phone, and both hear each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pyc3p.phone import ToneSource, listen_for
from pyc3p.phone.wav import read_wav, write_wav
from tests.interop.programs import HOST, baresip, heard_by_baresip, require, wait_for_text
from tests.interop.test_sip_peers import DOMAIN, Server

ROOT = Path(__file__).parent.parent.parent
BARESIP_TONE, OUR_TONE = 700.0, 1030.0


def test_the_example_calls_baresip_and_both_hear_each_other(tmp_path: Path) -> None:
    require("baresip")
    spoken, heard = tmp_path / "spoken.wav", tmp_path / "heard.wav"
    source = ToneSource(BARESIP_TONE)
    write_wav(spoken, b"".join(source.next_frame() for _ in range(500)))
    with Server().running() as server:
        with baresip(tmp_path, user="bob", domain=DOMAIN, proxy=server.port, spoken=spoken) as log:
            target = f"sip:bob@{HOST}:{server.port}"
            command = [sys.executable, str(ROOT / "examples" / "call_with_audio.py"), target]
            command += ["--tone", str(OUR_TONE), "--record", str(heard), "--seconds", "2.5"]
            done = subprocess.run(
                command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=30, check=True
            )
            assert "talking PCMU\nover: bye sent\n" in done.stdout
            wait_for_text(log, "terminated", limit=5)
        assert listen_for(read_wav(heard), BARESIP_TONE).heard
        assert listen_for(read_wav(heard_by_baresip(log)), OUR_TONE).heard
