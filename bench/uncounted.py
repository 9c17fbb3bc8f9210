"""A gateway that counts nothing: beside it one sees what metering costs. Started like `python -m havuz_gateway`."""

import sys

from havuz_gateway import app, cli
from havuz_gateway.metering.unmetered import Unmetered
from havuz_gateway.settings import Settings


class _Nothing(Unmetered):
    def start(self) -> None:
        """There is nothing to connect to."""

    async def close(self) -> None:
        """There is nothing to flush."""


def _no_meter(_: Settings) -> _Nothing:
    return _Nothing()


if __name__ == "__main__":
    vars(app)["_meter"] = _no_meter
    sys.exit(cli.gateway())
