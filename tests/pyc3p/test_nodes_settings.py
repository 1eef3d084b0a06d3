"""``[nodes]``: what is wrong with it is said before anything starts, and no password is shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyc3p.commands.output import Output
from pyc3p.elements.state import open_state
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.loading import load_config
from pyc3p.settings.nodes import NodesSettings
from pyc3p.settings.serve import ServeConfig


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[nodes]\nstore = "192.0.2.5:6379"', "must be the URL of a Redis"),
        ('[nodes]\nstore = "sqlite:"', "or sqlite: and the name of a file"),
        ("[nodes]\nlinger = -1.0", "must be some seconds"),
        ('[nodes]\naddress = "focus-1"', "no SIP URI"),
        ('mcu_factories = ["http://192.0.2.1/"]', "the principal in mcu_factories"),
        ('mcu_factories = ["focus-2=192.0.2.1"]', "PRINCIPAL=URL"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(text)
    with pytest.raises(UsageProblem, match=complaint):
        load_config(file, {})


def test_the_url_of_the_store_is_not_shown() -> None:
    assert "secret" not in repr(NodesSettings(store="redis://:secret@192.0.2.5/0"))


def test_further_factories_are_named_with_their_principals() -> None:
    config = ServeConfig(mcu_factories=("focus-2=http://192.0.2.12:8444/LiveServer/MCUFactory",))
    assert config.factories == (("http://192.0.2.12:8444/LiveServer/MCUFactory", "focus-2"),)


async def opened(config: ServeConfig) -> object:
    return await open_state(config, Output())


def test_a_node_without_its_store_does_not_start() -> None:

    nodes = NodesSettings(store="redis://:secret@127.0.0.1:1/0")
    with pytest.raises(Problem, match=r"Redis at redis://127\.0\.0\.1:1/0: .*a node needs it when it starts") as caught:
        asyncio.run(opened(ServeConfig(nodes=nodes)))
    assert "secret" not in str(caught.value)
    with pytest.raises(UsageProblem, match="processes with a Focus"):
        asyncio.run(opened(ServeConfig(nodes=nodes, parts=("mcu-factory",))))
