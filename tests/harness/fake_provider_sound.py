"""Sound as providers send it: bytes in chunks, which may break off, or stop and wait for the test."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from harness.fake_provider_answers import Received, Wire, head

MP3 = b"\xff\xfb\x90\x64" + bytes(413)


@dataclass(frozen=True)
class Sound:
    """Pieces of sound, each in a chunk of its own. `cut` closes without HTTP's end, `hang` stays silent instead."""

    pieces: Sequence[bytes] = (MP3, MP3, MP3)
    content_type: str = "audio/mpeg"
    cut: bool = False
    hang: bool = False

    async def play(self, request: Received, wire: Wire) -> None:
        await wire.write(head(200, {"content-type": self.content_type, "transfer-encoding": "chunked"}))
        for piece in self.pieces:
            await wire.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asyncio.sleep(0)
        if self.hang:
            await asyncio.Event().wait()
        if self.cut:
            wire.close()
        else:
            await wire.write(b"0\r\n\r\n")
