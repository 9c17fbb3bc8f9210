"""What a process does first: with a signal that comes before it is ready to take one, and with imports it can spare."""

import importlib
import os
import signal
import sys
from types import ModuleType
from typing import cast


def end_at_once_on_sigterm() -> None:
    """End with 143 on SIGTERM until handlers of its own are installed: nothing is under way that would have to end.

    Without a handler the first process of a container never hears of the signal, and Kubernetes waits for the whole
    grace period: https://man7.org/linux/man-pages/man7/pid_namespaces.7.html
    """
    signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


def import_without(spared: str, name: str) -> None:
    """Import `name` as where the module `spared`, which it takes for optional, is not installed.

    What imports `spared` itself afterwards finds it: https://docs.python.org/3/reference/import.html#the-module-cache
    """
    if spared in sys.modules:
        return
    sys.modules[spared] = cast("ModuleType", None)  # says "not found" to whoever asks
    try:
        importlib.import_module(name)
    finally:
        del sys.modules[spared]
