"""Settings: refused at start with a sentence, and never with a secret in it."""

from pathlib import Path

import pytest

from havuz_contract.settings import SettingsError
from havuz_contract.snapshot.envelope import Keyring
from havuz_operator.cli import main
from havuz_operator.settings import read_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "ENCRYPTION_KEYS", "ENCRYPTION_KEYS_FILE", "NAMESPACES", "DEBOUNCE"):
        monkeypatch.delenv(f"HAVUZ_{name}", raising=False)


def test_namespaces_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVUZ_NAMESPACES", "team-a, team-b")
    assert read_settings([]).namespaces == ("team-a", "team-b")
    assert read_settings(["--namespaces", "one,two"]).namespaces == ("one", "two")


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVUZ_REDIS_URL", "http://user:hidden@redis")
    with pytest.raises(SettingsError, match="HAVUZ_REDIS_URL") as refusal:
        read_settings([])
    assert "hidden" not in str(refusal.value)


def test_a_start_without_encryption_keys_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "HAVUZ_ENCRYPTION_KEYS" in capsys.readouterr().err


def test_the_encryption_keys_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(Keyring.generate("k7"))
    assert "k7" in repr(read_settings(["--encryption-keys-file", str(file)]).keyring())
    with pytest.raises(SettingsError, match="can't be read"):
        read_settings(["--encryption-keys-file", str(tmp_path / "none")]).keyring()
