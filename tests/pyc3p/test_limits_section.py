"""The section ``[limits]`` of the settings of a server."""

import re
from pathlib import Path

import pytest

from pyc3p.problems import UsageProblem
from pyc3p.settings.limits import LimitsSection
from pyc3p.settings.loading import load_config


def read(tmp_path: Path, text: str) -> LimitsSection:
    path = tmp_path / "serve.toml"
    path.write_text(text)
    return load_config(path, {}).limits


def test_what_is_set_reaches_the_machines(tmp_path: Path) -> None:
    limits = read(
        tmp_path,
        """
        [limits]
        trusted_networks = ["192.0.2.0/24"]
        connections_per_source = 3
        calls_per_source = 4
        users_per_source = 5
        joins_per_user = 6
        creations_a_minute = 7.5
        invites_per_user = 8
        """,
    )
    assert limits.endpoint().trusted_networks == ("127.0.0.0/8", "::1/128", "192.0.2.0/24")
    assert limits.transport().max_connections_per_source == 3
    assert limits.endpoint().max_sessions_per_source == 4
    assert limits.registrar().max_users_per_source == 5
    assert limits.focus().max_joins_per_user == 6
    assert limits.factory().creations_a_minute == 7.5
    assert limits.proxy().max_invites_per_user == 8


def test_what_is_not_set_is_as_the_libraries_have_it(tmp_path: Path) -> None:
    limits = read(tmp_path, "")
    for mine in (
        limits.endpoint(),
        limits.registrar(),
        limits.proxy(),
        limits.focus(),
        limits.factory(),
        limits.transport(),
    ):
        assert mine == type(mine)()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('trusted_networks = ["0.0.0.0/0"]', "limits.trusted_networks are everybody"),
        ('trusted_networks = ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"]', "limits.trusted_networks are everybody"),
        ('trusted_networks = ["everybody"]', "limits.trusted_networks must be networks such as 192.0.2.0/24"),
        ("calls_per_source = 0", "limits.calls_per_source must be above 0, not 0"),
        ("creations_a_minute = inf", "limits.creations_a_minute must be above 0"),
        ("calls_per_sorce = 1", "did you mean calls_per_source?"),
    ],
)
def test_mistakes_say_what_to_do(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(said)):
        read(tmp_path, f"[limits]\n{line}\n")
