"""`POST …/images/generations` and `…/images/edits`: https://platform.openai.com/docs/api-reference/images."""

from dataclasses import replace

from havuz_gateway.pipeline.exchange import Request
from havuz_gateway.pipeline.types import Action, Call
from havuz_gateway.protocols.body import Body
from havuz_gateway.protocols.openai_images.request import (
    FORM_KINDS,
    PROTOCOL,
    ImageFields,
    read_edit,
    read_edit_form,
    read_generation,
)
from havuz_gateway.surfaces.body import decode, decode_form
from havuz_gateway.surfaces.called import called
from havuz_gateway.surfaces.openai.chat import PROTOCOL as SURFACE_PROTOCOL


def read(request: Request) -> Call:
    """The call of a generation's body. Raises `InvalidRequest`."""
    body = decode(request.body)
    return image_call("image", body, read_generation(body.fields))


def read_changes(request: Request) -> Call:
    """The call of an edit: of a form with files, or of a JSON body that names its pictures. Raises `InvalidRequest`."""
    if request.upload is None:
        body = decode(request.body)
        return image_call("image_edit", body, read_edit(body.fields))
    body = decode_form(request.upload, FORM_KINDS)
    fields = read_edit_form(body.fields, request.upload.files())
    return replace(image_call("image_edit", body, fields), upload=request.upload)


def image_call(action: Action, body: Body, fields: ImageFields) -> Call:
    """A call for pictures of a body whose fields were read."""
    return Call(
        action=action,
        protocol=PROTOCOL,
        model=fields.model,
        stream=fields.stream,
        body=body,
        timeout=fields.timeout,
        parameters=body.fields,
    )


generations = called("image", SURFACE_PROTOCOL, read)
edits = called("image", SURFACE_PROTOCOL, read_changes)
