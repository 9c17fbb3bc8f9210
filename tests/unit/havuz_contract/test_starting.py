"""SIGTERM before a process has handlers of its own."""

import signal
import subprocess
import sys

PROGRAM = """
from havuz_contract.starting import end_at_once_on_sigterm
end_at_once_on_sigterm()
print("starting", flush=True)
input()
"""


def test_a_process_that_is_told_to_end_while_it_starts_ends_by_its_own_handler() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"starting\n"
        process.send_signal(signal.SIGTERM)
        # by the default action it would be -15, which the first process of a container ignores
        assert process.wait(10) == 128 + signal.SIGTERM
