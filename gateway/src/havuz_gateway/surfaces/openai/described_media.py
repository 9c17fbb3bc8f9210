"""What the API's document says of pictures and sound: https://platform.openai.com/docs/api-reference/images."""

from havuz_gateway.protocols.openai_audio.request import MAX_SPOKEN, SPEECH, TRANSCRIPTION
from havuz_gateway.protocols.openai_images.request import FIELDS, MAX_INPUTS, MAX_PROMPT
from havuz_gateway.surfaces.openai.described_chat import CHAT_WORDS, MODEL, TIMEOUT, WITH_TIMEOUT
from havuz_gateway.surfaces.openapi.operation import FORM, JSON, Answer, Body, Operation
from havuz_gateway.surfaces.openapi.schema import (
    Schema,
    anything,
    array,
    checked,
    choice,
    either,
    record,
    ref,
    text,
    whole,
)

_STABLE_DIFFUSION = "Only for servers of Stable Diffusion: "
_PICTURE_WORDS = {
    "n": "How many pictures to make.",
    "size": "`auto`, or width and height in pixels such as `1024x1536`.",
    "quality": "How much work goes into it.",
    "background": "Whether what is behind is to be seen through.",
    "moderation": "How strictly prompts are judged.",
    "output_format": "The kind of file.",
    "output_compression": "Percent of quality that is kept, for JPEG and WebP.",
    "response_format": "The bytes in the answer, or a link.",
    "style": "Strong or natural.",
    "input_fidelity": "How closely to keep to the pictures that are changed.",
    "partial_images": "How many previews a stream shows.",
    "stream": "Answer with events, which show previews.",
    "user": CHAT_WORDS["user"],
    "safety_identifier": "Who is asking, in a way that names nobody.",
    "timeout": TIMEOUT,
    "negative_prompt": _STABLE_DIFFUSION + "what is not to be seen.",
    "sampler_name": _STABLE_DIFFUSION + "the sampler, such as `DPM++ SDE Karras`.",
    "scheduler": _STABLE_DIFFUSION + "the schedule of noise.",
    "steps": _STABLE_DIFFUSION + "steps of drawing.",
    "cfg_scale": _STABLE_DIFFUSION + "how closely to follow the prompt.",
    "width": _STABLE_DIFFUSION + "pixels, in place of `size`.",
    "height": _STABLE_DIFFUSION + "pixels, in place of `size`.",
    "seed": _STABLE_DIFFUSION + "the same seed gives the same picture.",
    "denoising_strength": _STABLE_DIFFUSION + "how much of a picture may change.",
}
_SHAPES: dict[str, Schema] = {"size": text(pattern=r"^(auto|[1-9]\d{1,4}x[1-9]\d{1,4})$")}
_ASKED = {"model": text(MODEL, minLength=1), "prompt": text("What is to be seen.", minLength=1, maxLength=MAX_PROMPT)}
_SETTINGS = checked({**FIELDS, **WITH_TIMEOUT}, _PICTURE_WORDS, shapes=_SHAPES)
_REFERENCE = record({}, {"image_url": text("An address or a `data:` URL."), "file_id": text("A file at the provider.")})
_FILE = text(contentMediaType="application/octet-stream")

_VOICE = either(text(minLength=1), record({"id": text(minLength=1)}), words="The name of a voice such as `alloy`.")
_SPEECH_WORDS = {
    "instructions": "How to speak.",
    "response_format": "The kind of sound.",
    "speed": "How fast to speak.",
    "stream_format": "`sse` gives events in place of the bare sound.",
    "timeout": TIMEOUT,
}
_TRANSCRIPTION_WORDS = {
    "language": "The language that is spoken, such as `tr`.",
    "prompt": "What the sound is about, or went before.",
    "response_format": "How the text is written down.",
    "temperature": CHAT_WORDS["temperature"],
    "timestamp_granularities[]": "Times of each `word` or `segment`.",
    "stream": "Answer with events while it is heard.",
    "timeout": TIMEOUT,
}
_GRANULARITY = choice("word", "segment")

SCHEMAS: dict[str, Schema] = {
    "ImageRequest": record(_ASKED, _SETTINGS),
    "ImageEditRequest": record(
        {**_ASKED, "images": array(_REFERENCE, "The pictures to change.", minItems=1, maxItems=MAX_INPUTS)},
        {**_SETTINGS, "mask": _REFERENCE},
    ),
    "ImageEditForm": record(
        {
            **_ASKED,
            "image": either(_FILE, array(_FILE, maxItems=MAX_INPUTS), words="A PNG, WebP or JPEG file, or more."),
        },
        {**_SETTINGS, "mask": _FILE},
    ),
    "Images": record(
        {"created": whole("Unix seconds."), "data": array(record({}, {"b64_json": text(), "url": text()}))},
        {"usage": anything()},
    ),
    "ImageEvent": record(
        {"type": text("`image_generation.partial_image`, `image_generation.completed` and the like.")}
    ),
    "SpeechRequest": record(
        {
            "model": text(MODEL, minLength=1),
            "input": text("What is to be said.", minLength=1, maxLength=MAX_SPOKEN),
            "voice": _VOICE,
        },
        checked({**SPEECH, **WITH_TIMEOUT}, _SPEECH_WORDS, without=("voice",)),
    ),
    "SpeechEvent": record({"type": text("`speech.audio.delta` or `speech.audio.done`.")}),
    "TranscriptionForm": record(
        {"model": text(MODEL, minLength=1), "file": _FILE | {"description": "One file of sound."}},
        checked(
            {**TRANSCRIPTION, **WITH_TIMEOUT},
            _TRANSCRIPTION_WORDS,
            shapes={"timestamp_granularities[]": either(_GRANULARITY, array(_GRANULARITY))},
        ),
    ),
    "Transcription": record({"text": text("What was heard.")}, {"usage": anything()}),
    "TranscriptionEvent": record({"type": text("`transcript.text.delta` or `transcript.text.done`.")}),
}

OPERATIONS = (
    Operation(
        "post", "/v1/images/generations", "createImage", "Images", "Draw a picture", "OpenAI",
        body=Body(
            {JSON: ref("ImageRequest")},
            {"picture": {"model": "gpt-image-1.5", "prompt": "A serene mountain lake at dawn", "size": "1024x1024"}},
        ),
        answers={200: Answer("The pictures.", {JSON: ref("Images")}, events="ImageEvent")},
        also=("/api/v1/images/generations",),
        proxied=True,
    ),
    Operation(
        "post", "/v1/images/edits", "editImage", "Images", "Change pictures", "OpenAI",
        words="A form with files, or JSON that names the pictures.",
        body=Body(
            {JSON: ref("ImageEditRequest"), FORM: ref("ImageEditForm")},
            {
                "address": {
                    "model": "gpt-image-1.5", "prompt": "Add a rainbow",
                    "images": [{"image_url": "https://example.com/landscape.jpg"}],
                }
            },
        ),
        answers={200: Answer("The pictures.", {JSON: ref("Images")}, events="ImageEvent")},
        also=("/api/v1/images/edits",),
        proxied=True,
    ),
    Operation(
        "post", "/v1/audio/speech", "createSpeech", "Audio", "Speak a text", "OpenAI",
        body=Body(
            {JSON: ref("SpeechRequest")},
            {"speech": {"model": "gpt-4o-mini-tts", "input": "Merhaba!", "voice": "alloy", "response_format": "wav"}},
        ),
        answers={
            200: Answer("The sound, while it comes.", {"audio/*": _FILE}, events="SpeechEvent"),
        },
        also=("/api/v1/audio/speech",),
        proxied=True,
    ),
    Operation(
        "post", "/v1/audio/transcriptions", "createTranscription", "Audio", "Write down what is said", "OpenAI",
        body=Body({FORM: ref("TranscriptionForm")}),
        answers={
            200: Answer(
                "The text, as JSON or as `response_format` says.",
                {JSON: ref("Transcription"), "text/plain": {"type": "string"}},
                events="TranscriptionEvent",
            )
        },
        also=("/api/v1/audio/transcriptions",),
        proxied=True,
    ),
)  # fmt: skip
