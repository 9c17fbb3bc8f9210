"""What one client may take of the gateway."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpBounds:
    """What one client may take. Sizes in bytes, times in seconds.

    `max_image_form` and `max_audio_form` bound forms with files; `upload_room` what all of them keep on disk together.
    `read_idle` bounds the pause between two pieces of a body, `read_total` the whole body, `write_idle` the wait for a
    client that does not read, `head` the arrival of a request's head, `keepalive` an idle connection (above the 60 s
    of the usual load balancers), `lingering` the wait for the rest of a body that nobody wants.
    """

    max_body: int = 32 * 1024 * 1024
    max_image_form: int = 64 * 1024 * 1024
    max_audio_form: int = 25 * 1024 * 1024
    upload_room: int = 192 * 1024 * 1024
    max_header: int = 16 * 1024
    head: float = 30.0
    read_idle: float = 30.0
    read_total: float = 300.0
    write_idle: float = 30.0
    keepalive: float = 75.0
    lingering: float = 5.0
