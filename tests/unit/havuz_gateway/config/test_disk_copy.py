"""The copy on disk: sealed, private, whole or absent, and never in the way."""

import stat
from pathlib import Path

import pytest

from harness.builders import make_project, make_upstream
from havuz_contract import keys
from havuz_contract.snapshot import wire
from havuz_contract.snapshot.envelope import Keyring
from havuz_gateway.config.disk_copy import DiskCopy
from havuz_gateway.config.state import Decoder, State

KEYRING = Keyring.parse(Keyring.generate())


def decoder() -> Decoder:
    return Decoder(KEYRING)


async def a_state(revision: int = 7) -> State:
    upstream, project = make_upstream("http://127.0.0.1:1/v1"), make_project(name="acme").project
    texts = {
        keys.UPSTREAMS: {upstream.uid: wire.encode(upstream, KEYRING)},
        keys.PROJECTS: {project.uid: wire.encode(project, KEYRING)},
    }
    return await decoder().whole(texts, State(), revision=revision, position="5-0")


async def keep(copy: DiskCopy, state: State) -> None:
    copy.keep(state)
    await copy.flush()


async def test_what_was_kept_is_loaded_again(tmp_path: Path) -> None:
    state = await a_state()
    await keep(DiskCopy(tmp_path / "made", KEYRING), state)
    loaded = await DiskCopy(tmp_path / "made", KEYRING).load(decoder())
    assert loaded == state


async def test_nothing_on_disk_is_nothing_to_load(tmp_path: Path) -> None:
    assert await DiskCopy(tmp_path, KEYRING).load(decoder()) is None


async def test_the_file_is_private_and_holds_no_clear_text(tmp_path: Path) -> None:
    await keep(DiskCopy(tmp_path, KEYRING), await a_state())
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"acme" not in file.read_bytes()


async def test_a_later_state_replaces_the_file(tmp_path: Path) -> None:
    copy = DiskCopy(tmp_path, KEYRING)
    await keep(copy, await a_state(revision=7))
    await keep(copy, await a_state(revision=8))
    loaded = await copy.load(decoder())
    assert loaded is not None
    assert loaded.revision == 8
    assert len(list(tmp_path.iterdir())) == 1


async def test_a_large_state_is_kept_whole_in_lines_that_can_not_be_taken_elsewhere(tmp_path: Path) -> None:
    text = wire.encode(make_project().project, KEYRING)
    texts = {keys.PROJECTS: {f"uid-{number}": text for number in range(250)}}
    state = await decoder().whole(texts, State(), revision=7, position="5-0")
    copy = DiskCopy(tmp_path, KEYRING)
    await keep(copy, state)
    assert await copy.load(decoder()) == state

    (file,) = tmp_path.iterdir()
    head, first, second, third = file.read_text().splitlines()
    for lines in ([head, second, first, third], [head, first, second]):
        file.write_text("\n".join(lines))
        assert await copy.load(decoder()) is None


@pytest.mark.parametrize("damage", ["", "v1.k1.AAAA.BBBB", "no envelope"])
async def test_a_damaged_file_is_no_state_and_no_error(tmp_path: Path, damage: str) -> None:
    copy = DiskCopy(tmp_path, KEYRING)
    await keep(copy, await a_state())
    (file,) = tmp_path.iterdir()
    file.write_text(damage)
    assert await copy.load(decoder()) is None


async def test_a_folder_that_can_not_be_written_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    await keep(DiskCopy(tmp_path / "file", KEYRING), await a_state())
    assert "could not be written" in caplog.text
