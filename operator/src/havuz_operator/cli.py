"""The command `havuz-operator`."""

import asyncio
import sys
from collections.abc import Sequence

from havuz_contract.settings import SettingsError
from havuz_operator import logs
from havuz_operator.app import run
from havuz_operator.handlers.lifecycle import end_on_signal
from havuz_operator.kube import KubeError
from havuz_operator.settings import Settings, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the operator; returns the exit code: 0 after a signal, 2 when the settings do not allow a start."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments)
        settings.keyring()
    except SettingsError as error:
        print(f"havuz-operator: {error}", file=sys.stderr)
        return 2
    logs.configure(settings.log_level, settings.log_format)
    try:
        asyncio.run(_until_signalled(settings))
    except KubeError as error:
        print(f"havuz-operator: {error}", file=sys.stderr)
        return 2
    return 0


async def _until_signalled(settings: Settings) -> None:
    """Run; a signal before kopf has taken over signal handling ends the start."""
    end_on_signal()
    try:
        await run(settings)
    except asyncio.CancelledError:
        return
