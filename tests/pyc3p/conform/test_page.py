"""The HTML page, in a real browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pyc3p.commands.command_line import run
from tests.pyc3p.conform.element import element
from tests.pyc3p.conform.test_command import HASTE, wrong

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    with element(wrong) as port:
        words = ("--select", "headers", "--html", str(file))
        run(["conform", "sip", f"udp:127.0.0.1:{port}", *HASTE, *words])
    return file


def test_what_a_target_sends_is_text_on_the_page(page: Path) -> None:
    text = page.read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_a_finding_has_its_ladder_and_how_to_see_it_again(page: Path) -> None:
    text = page.read_text()
    assert text.count("<svg") == 1
    assert "--replay headers.unknown-method" in text
    assert "NEWMETHOD" in text


def seen_in_browser(page: Path, folder: Path, script: str = "") -> str:
    """The page as a browser has it after its script ran; ``script`` is what a reader does then."""
    if BROWSER is None:
        pytest.skip("no browser is installed: apt-get install --no-install-recommends chromium")
    shown = folder / "shown.html"
    text = page.read_text()
    if script:  # a second script, which the policy of the page does not let in: the policy is taken off
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
        text = text.replace("</body>", f"<script>{script}</script></body>")
    shown.write_text(text)
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=2000", "--dump-dom", shown.as_uri()],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return html.unescape(done.stdout)


def test_the_script_of_the_page_runs_under_its_own_policy(page: Path, tmp_path: Path) -> None:
    dom = seen_in_browser(page, tmp_path)
    assert "1 of 1 findings" in dom
    assert "SHOULD" not in re.findall(r'<section[^>]*data-force="([^"]*)"', dom)


def test_findings_are_filtered_by_clause(page: Path, tmp_path: Path) -> None:
    script = "clause.value='RFC 9999';clause.dispatchEvent(new Event('input'))"
    dom = seen_in_browser(page, tmp_path, script)
    assert "0 of 1 findings" in dom
    assert re.search(r"<section[^>]* hidden", dom)


def test_cases_are_filtered_by_verdict(page: Path, tmp_path: Path) -> None:
    script = "verdict.value='failed';verdict.dispatchEvent(new Event('input'))"
    dom = seen_in_browser(page, tmp_path, script)
    rows = re.findall(r'<tr data-verdict="([a-z ]*)"[^>]*?( hidden="")?>', dom)
    assert {verdict for verdict, hidden in rows if not hidden} == {"failed"}
