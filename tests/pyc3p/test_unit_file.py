"""The service file of the documentation is one that systemd takes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pyc3p.settings.loading import load_config
from pyc3p.settings.serve import ServeConfig

DOCS = Path(__file__).parents[2] / "docs"


def blocks_of_the_page() -> list[str]:
    page = (DOCS / "deploying.rst").read_text()
    found = re.findall(r"(?m)^\.\. code-block:: toml\n\n((?:    .*\n|\n)+)", page)
    return [re.sub(r"(?m)^    ", "", block) for block in found]


def settings_of_the_page() -> str:
    return blocks_of_the_page()[0]


@pytest.mark.parametrize("block", blocks_of_the_page(), ids=lambda block: block.strip().splitlines()[0][:30])
def test_every_example_of_settings_on_the_page_is_read(tmp_path: Path, block: str) -> None:
    path = tmp_path / "serve.toml"
    path.write_text(block)
    assert load_config(path, {}) != ServeConfig()


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "serve.toml"
    path.write_text(settings_of_the_page())
    config = load_config(path, {})
    assert (config.workers, config.ops.port, config.log.format) == (2, 9100, "json")


def test_a_stop_waits_longer_than_conferences_get_to_end() -> None:
    unit = (DOCS / "pyc3p.service").read_text()
    timeout = re.search(r"(?m)^TimeoutStopSec=([0-9]+)$", unit)
    drain = re.search(r"(?m)^drain_timeout = ([0-9]+)", settings_of_the_page())
    assert timeout is not None
    assert drain is not None
    assert int(timeout[1]) > int(drain[1]) + 10


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit_file(tmp_path: Path) -> None:
    path = tmp_path / "pyc3p.service"
    path.write_text((DOCS / "pyc3p.service").read_text().replace("/opt/pyc3p/bin/pyc3p", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
