"""The child processes of a process, as Linux tells them."""

from pathlib import Path


def children_of(pid: int) -> list[int]:
    """The ids of its children that run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if runs(int(child))]


def runs(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
