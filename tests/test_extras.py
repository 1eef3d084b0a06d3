"""What works without the extras, and what is said where one is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTRAS = ("numpy", "hypothesis", "aiohttp", "click", "rich", "uvloop", "dns", "redis")


def python_without(missing: tuple[str, ...], program: str) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own, in which some packages cannot be imported."""
    blocked = f"import sys\nfor name in {missing!r}: sys.modules[name] = None\n"
    return subprocess.run([sys.executable, "-c", blocked + program], capture_output=True, text=True, check=False)


def test_protocol_packages_and_their_drivers_need_no_extra() -> None:
    done = python_without(EXTRAS, "import c3p, sip, rtp, focus, mcu, pyc3p, sip.aio, rtp.aio, mcu.aio")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("sip.testing", ".[testing]"),
        ("c3p.testing", ".[testing]"),
        ("rtp.testing", ".[testing]"),
        ("pyc3p.simnet", ".[testing]"),
        ("mcu.audio.mixer", ".[mcu]"),
        ("pyc3p.state.redis", ".[redis]"),
    ],
)
def test_a_module_that_needs_an_extra_names_it(module: str, extra: str) -> None:
    done = python_without(EXTRAS, f"try: import {module}\nexcept ImportError as error: print(error)")
    assert (done.returncode, done.stderr) == (0, "")
    assert extra in done.stdout


@pytest.mark.parametrize("missing", ["click", "rich", "aiohttp", "numpy"])
def test_a_command_without_its_extra_is_one_line_that_names_it(missing: str) -> None:
    command = "['serve', '--host', '192.0.2.1', '--insecure']"
    done = python_without((missing,), f"import pyc3p.cli\npyc3p.cli.main({command})")
    assert done.stderr == f"pyc3p: {missing} is not installed; pip install '.[server]' in a checkout brings it\n"
    assert done.returncode == 1


def test_the_simulation_names_the_extra_for_tests() -> None:
    done = python_without(("hypothesis",), "import pyc3p.cli\npyc3p.cli.main(['simulate'])")
    assert done.stderr == "pyc3p: hypothesis is not installed; pip install '.[testing]' in a checkout brings it\n"
    assert done.returncode == 1


def test_the_port_for_operators_names_what_it_lacks() -> None:
    done = python_without(("prometheus_client",), "from pyc3p.cli import main\nmain(['serve', '--ops-port', '9100'])")
    assert done.stderr == "pyc3p: prometheus_client is not installed; pip install '.[server]' in a checkout brings it\n"
    assert done.returncode == 1
