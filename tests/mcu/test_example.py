"""The example of embedding runs, without asyncio, and both phones hear each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_embedding_without_asyncio() -> None:
    program = (
        "import runpy, sys\n"
        "heard = runpy.run_path('examples/embed_mcu.py')['main']()\n"
        "assert 'asyncio' not in sys.modules, 'asyncio was imported'\n"
        "print(*heard)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    bob, carol = map(int, lines[-1].split())
    assert abs(bob - 4000) < 200
    assert abs(carol - 1000) < 50
    assert any("leg 1 connected" in line for line in lines)
    assert any("leg 2 booted" in line for line in lines)
