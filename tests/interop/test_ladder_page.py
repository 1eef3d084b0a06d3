"""The page that ``pyc3p trace --html`` writes, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyc3p import Ladder, Record
from pyc3p.trace.ladder_html import render_html
from tests.interop.browser import Browser, browser

ENTER = "\ue007"
EVIL = b"<img src=x onerror=\"document.title='carried out'\"><script>document.title='carried out'</script>"


def message(number: int) -> Record:
    body = b"message %d " % number + EVIL
    data = (
        b"MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%d\r\n"
        b"From: <sip:ann@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c%d\r\nCSeq: 1 MESSAGE\r\n"
        b"Max-Forwards: 70\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (number, number, len(body))
    ) + body
    ends = {"source": ("192.0.2.1", 5060), "destination": ("192.0.2.2", 5060)}
    return Record(at=number / 10, layer="sip", transport="UDP", data=data, **ends)


@pytest.fixture(scope="module", params=[1280, 400])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("page")
    file = folder / "ladder.html"
    file.write_text(render_html(Ladder.of(message(n) for n in range(60)), title="Sixty messages"), encoding="utf-8")
    with browser(folder, width=request.param) as window:
        window.go(file.as_uri())
        yield window


def test_a_message_opens_on_click_and_closes(page: Browser) -> None:
    assert page.shown("aside") == []
    third = page.all("svg a")[2]
    page.click(third)
    (shown,) = page.shown("aside")
    assert "message 2 <img" in shown
    assert "192.0.2.2:5060" in shown
    page.click(next(each for each in page.all("aside:target .close")))
    assert page.shown("aside") == []


def test_one_goes_from_message_to_message_and_the_address_says_which(page: Browser) -> None:
    page.click(page.all("svg a")[0])
    page.click(page.all("aside:target nav a")[0])
    (shown,) = page.shown("aside")
    assert "message 1 " in shown
    here = page.address
    page.click(page.all("aside:target .close")[0])
    page.go(here)  # as it was passed on to somebody
    assert "message 1 " in page.shown("aside")[0]
    page.click(page.all("aside:target .close")[0])


def test_the_keyboard_opens_it_too(page: Browser) -> None:
    page.press(page.all("svg a")[4], ENTER)
    assert "message 4 " in page.shown("aside")[0]
    page.click(page.all("aside:target .close")[0])


def test_nothing_that_a_peer_has_sent_is_carried_out(page: Browser) -> None:
    assert page.all("img, script") == []
    page.click(page.all("svg a")[5])
    assert "carried out" in page.shown("aside")[0]
    assert page.shown("aside pre")[0].count("<script>") == 1
    page.click(page.all("aside:target .close")[0])
