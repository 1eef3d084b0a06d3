"""What is packed: one version, types for all packages, and the sources of documentation, tests and examples."""

from __future__ import annotations

import configparser
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


def test_every_python_that_is_promised_is_at_least_the_one_that_is_demanded() -> None:
    lines = settings()["metadata"]["classifiers"].split("\n")
    promised = [line.rpartition(" ")[2] for line in lines if "Python :: 3." in line]
    assert promised == ["3.11", "3.12", "3.13", "3.14"]
    assert settings()["options"]["python_requires"] == f">={promised[0]}"
