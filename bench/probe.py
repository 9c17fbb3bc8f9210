"""One request and one stream to a target before anything is measured: does it say what the provider said?"""

import socket

from bench.processes import Target

_SECONDS = 20.0
_MOST = 1 << 20


def answer(target: Target) -> str | None:
    """What is wrong with its answers; None if nothing is."""
    whole = _ask(target, target.request(stream=False), b"the band plays on")
    if b"the band plays on" not in whole or not whole.startswith(b"HTTP/1.1 200"):
        return _words(whole)
    streamed = _ask(target, target.request(stream=True, pace=1, events=3), b"0\r\n\r\n")
    if streamed.count(b"@") != 3 or b"[DONE]" not in streamed:
        return _words(streamed)
    return None


def _ask(target: Target, payload: bytes, end: bytes) -> bytes:
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", target.port), timeout=_SECONDS) as client:
            client.sendall(payload)
            while end not in received and len(received) < _MOST:
                piece = client.recv(65536)
                if not piece:
                    break
                received += piece
    except OSError as error:
        return received + str(error).encode()
    return received


def _words(received: bytes) -> str:
    return " ".join(received[:2000].decode(errors="replace").split()) or "nothing"
