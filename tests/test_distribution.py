"""What is packed: one version, types for all packages, and the sources of documentation, tests and examples."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import pytest

import pyc3p

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("c3p", "sip", "rtp", "focus", "mcu", "pyc3p")


def settings() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_the_version_stands_in_one_place() -> None:
    assert settings()["metadata"]["version"] == "attr: pyc3p.version.VERSION"
    assert pyc3p.__version__ == pyc3p.version.VERSION
    written = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if f'"{pyc3p.__version__}"' in path.read_text()
    ]
    assert written == ["pyc3p/version.py"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_has_types(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_the_source_distribution_has_what_one_builds_and_tests_with() -> None:
    manifest = (ROOT / "MANIFEST.in").read_text()
    assert {f"graft {each}" for each in ("docs", "tests", "examples")} <= set(manifest.splitlines())


#: What a checkout has beside its sources.
LEFT_BEHIND: Final = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "_build")


def test_the_source_distribution_is_whole_and_can_be_built_again(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    sources, made, site = tmp_path / "sources", tmp_path / "made", tmp_path / "site"
    shutil.copytree(ROOT, sources, ignore=LEFT_BEHIND)
    shutil.copytree(ROOT / ".ci", sources / ".ci")
    build = f"from setuptools import build_meta; print(build_meta.build_sdist({str(made)!r}))"
    subprocess.run([sys.executable, "-c", build], cwd=sources, check=True, capture_output=True)
    (archive,) = made.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
        packed.extractall(tmp_path, filter="data")
    wanted = {"docs/index.rst", "docs/_static/main-job.svg", "tests/test_distribution.py", "examples/echo_bot.py"}
    wanted |= {"deploy/pyc3p.lua", "tests/interop/scenarios", ".ci/run", "README.rst", "CHANGELOG.rst", "LICENSE"}
    assert wanted <= names
    assert not [name for name in names if name.endswith(".pyc") or ".venv" in name or ".hypothesis" in name]
    # What pip does with it, without what it would fetch for that; .ci/run has pip do it.
    (unpacked,) = tmp_path.glob("pyc3p-*")
    install = "from setuptools import setup; setup()"
    subprocess.run(
        [sys.executable, "-c", install, "build", "--build-lib", site], cwd=unpacked, check=True, capture_output=True
    )
    # Here and not from the checkout: -P leaves out the folder in which it is run.
    asked = "import sip, pyc3p, pathlib; print(pyc3p.__version__, pathlib.Path(sip.__file__).parent)"
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path[1:])])}
    done = subprocess.run([sys.executable, "-P", "-c", asked], env=paths, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [pyc3p.__version__, str(site / "sip")]
    assert {path.parent.name for path in site.glob("*/py.typed")} == set(PACKAGES)


def test_every_python_that_is_promised_is_at_least_the_one_that_is_demanded() -> None:
    lines = settings()["metadata"]["classifiers"].split("\n")
    promised = [line.rpartition(" ")[2] for line in lines if "Python :: 3." in line]
    assert promised == ["3.11", "3.12", "3.13", "3.14"]
    assert settings()["options"]["python_requires"] == f">={promised[0]}"
