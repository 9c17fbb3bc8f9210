"""The journal of settles: in order, bounded, and readable by whoever comes after."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from havuz_gateway.metering.closing import Closing, read_line
from havuz_gateway.metering.spool import Spool

LINES = [b"one\n", b"two\n", b"three\n"]


def _spool(folder: Path | None, most: int = 1_000) -> Spool:
    return Spool(folder, owner="gateway-a", max_bytes=most)


def test_lines_come_out_in_order_and_the_file_is_emptied_behind_the_last(tmp_path: Path) -> None:
    for folder in (tmp_path, None):
        spool = _spool(folder)
        spool.append(LINES)
        first, position = spool.peek(2)
        assert first == [(b"one\n", False), (b"two\n", False)]
        spool.taken(position)
        spool.append([b"four\n"])
        rest, position = spool.peek(10)
        assert [line for line, _ in rest] == [b"three\n", b"four\n"]
        spool.taken(position)
        assert not spool.waiting
        spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_sent_is_known_as_sent(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.append(LINES)
    _, position = spool.peek(2)
    spool.sent(position)
    assert [sent for _, sent in spool.peek(3)[0]] == [True, True, False]
    spool.close()


def test_a_full_journal_says_so_and_counts_what_it_loses(tmp_path: Path) -> None:
    spool = _spool(tmp_path, most=8)
    spool.append(LINES)
    assert spool.full
    spool.append([b"x" * 100])
    assert spool.lost == 1
    assert [line for line, _ in spool.peek(9)[0]] == LINES
    spool.close()


@contextmanager
def _no_file_beyond(size: int) -> Iterator[None]:
    """As on a full disk, no file of this process grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_the_disk_does_not_take_waits_in_memory_and_is_written_later(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.append(LINES)
    with _no_file_beyond(16):
        spool.append([b"four\n", b"five\n"])
        assert (spool.full, spool.lost) == (True, 0)
        assert spool.backlog == len(b"".join([*LINES, b"four\n", b"five\n"]))
        first, position = spool.peek(4)
        assert [line for line, _ in first] == [*LINES, b"four\n"]
        spool.sent(position)
    spool.append([b"six\n"])
    assert not spool.full
    spool.taken(position)
    assert spool.backlog == len(b"five\nsix\n")
    assert spool.peek(9)[0] == [(b"five\n", False), (b"six\n", False)]
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == b"".join([*LINES, b"four\n", b"five\n", b"six\n"])
    spool.close()


def test_what_waits_in_memory_is_taken_from_there(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    with _no_file_beyond(8):
        spool.append(LINES)
        spool.taken(spool.peek(2)[1])
        lines, position = spool.peek(2)
        assert lines == [(b"three\n", False)]
        spool.taken(position)
        assert not spool.waiting
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_the_journal_of_a_living_process_is_no_orphan(tmp_path: Path) -> None:
    living = _spool(tmp_path)
    living.append(LINES)
    other = _spool(tmp_path)
    assert list(other.orphans()) == []
    living.close()
    assert [lines for _, lines in other.orphans()] == [LINES]
    other.close()


def test_a_settle_survives_being_written_down() -> None:
    closing = Closing(
        uid="p", key_id="k", id="req_1", day="20270115", at=1.5, cost=2**63 - 1, reserved=True,
        fixed=("Prepaid", "", "5"), tokens=7, dimensions="k|modél|a/b", counts="0,1,2,3,4", event='{"a":"\\u00e9"}',
    )  # fmt: skip
    assert read_line(closing.line(sent=False)) == (closing, False)
    assert read_line(closing.line(sent=True)) == (closing, True)
