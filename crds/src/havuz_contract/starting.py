"""What a process does with a signal that comes before it is ready to take one."""

import os
import signal


def end_at_once_on_sigterm() -> None:
    """End with 143 on SIGTERM until handlers of its own are installed: nothing is under way that would have to end.

    Without a handler the first process of a container never hears of the signal, and Kubernetes waits for the whole
    grace period: https://man7.org/linux/man-pages/man7/pid_namespaces.7.html
    """
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
