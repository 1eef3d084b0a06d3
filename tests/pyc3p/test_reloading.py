"""What SIGHUP does, and what it says."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from pyc3p.commands.reloading import Reloading, differences
from pyc3p.elements.system import build_system
from pyc3p.problems import UsageProblem
from pyc3p.settings.calls import CallSettings
from pyc3p.settings.gateways import GatewaySettings
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.limits import LimitsSection
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.tls import TlsSettings
from tests.certificates import Authority
from tests.pyc3p.test_identities import users_file
from tests.pyc3p.test_serve import Kept


def config_of(tmp_path: Path) -> ServeConfig:
    made = Authority(tmp_path / "ca").certify("127.0.0.1")
    return ServeConfig(
        workers=0,
        identity=IdentitySettings(users=str(users_file(tmp_path))),
        tls=TlsSettings(certificate=made.certificate, key=made.key),
    )


def test_one_line_says_what_was_read_and_what_needs_a_restart(tmp_path: Path) -> None:
    config, output = config_of(tmp_path), Kept()
    now = attrs.evolve(
        config,
        limits=LimitsSection(calls_per_source=7),
        gateways=(GatewaySettings(prefix="+1", trunk="192.0.2.1"),),
        calls=CallSettings(numbers=("+1",)),
    )
    server = build_system(config, None, output)
    Reloading(server, output, config, lambda: config)()
    Reloading(server, output, config, lambda: now)()
    assert output.texts[-2:] == [
        "read again: users, certificates",
        "read again: users, certificates; in the settings there is another calls.numbers, gateways, "
        "limits.calls_per_source, which needs a restart",
    ]


def test_what_has_a_mistake_stays_as_it_was_and_the_rest_is_read(tmp_path: Path) -> None:
    config, output = config_of(tmp_path), Kept()
    server = build_system(config, None, output)
    Path(config.tls.certificate).write_text("nothing")

    def broken() -> ServeConfig:
        raise UsageProblem("there is no setting colour")

    Reloading(server, output, config, broken)()
    assert [text.partition(":")[0] for text in output.texts[-3:]] == [
        "certificates stay as they were",
        "the settings cannot be read",
        "read again",
    ]
    assert output.texts[-1] == "read again: users"
    Path(config.identity.users).chmod(0o644)
    Reloading(server, output, config, None)()
    assert output.texts[-3].endswith(f"can be read by others; do `chmod 600 {config.identity.users}`")
    assert output.texts[-1] == "there are no users or certificates to read again"


def test_a_users_file_that_others_can_read_is_told_once(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    server = build_system(config, None, Kept())
    assert server.identities is not None
    users = server.identities.users
    assert users is not None
    assert not users.changed
    Path(config.identity.users).chmod(0o644)
    assert users.changed
    with pytest.raises(UsageProblem, match="can be read by others"):
        users.load()
    assert not users.changed


def test_settings_differ_by_their_names() -> None:
    assert list(differences(ServeConfig(), ServeConfig())) == []
    assert list(differences(ServeConfig(), ServeConfig(sip_port=5062, tls=TlsSettings(port=5063)))) == [
        "sip_port",
        "tls.port",
    ]
