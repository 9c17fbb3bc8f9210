"""What the API's document says of pictures by order, and of the chat that streams unless told otherwise."""

from havuz_gateway.surfaces import image_tasks, mini, mini_images
from havuz_gateway.surfaces.openai.described_chat import chat_request
from havuz_gateway.surfaces.openapi.operation import JSON, Answer, Body, Operation, Parameter
from havuz_gateway.surfaces.openapi.schema import (
    Schema,
    anything,
    array,
    checked,
    choice,
    constant,
    either,
    nullable,
    number,
    record,
    ref,
    text,
    whole,
)

_URL = text(pattern="^https?://")
_TIME = text(format="date-time")
_ORDER_WORDS = {
    "size": "Width and height in pixels.",
    "quality": "How much work goes into it.",
    "images": "Addresses of pictures to change; none: a new picture is drawn.",
    "input_fidelity": "How closely to keep to `images`.",
    "callback_url": "Where the end is posted to, signed.",
    "model": "A model of `GET /v1/models` that draws.",
}
_PICTURE_WORDS = {
    "negativePrompt": "What is not to be seen.",
    "scheduler": "The sampler.",
    "steps": "Steps of drawing.",
    "cfgScale": "How closely to follow the prompt.",
    "width": "Pixels.",
    "height": "Pixels.",
}
_PICTURE_DEFAULTS = {name: usual for name, (_, usual) in mini_images.SETTINGS.items() if usual is not None}
_PROMPT = text("What is to be seen.", minLength=1)

SCHEMAS: dict[str, Schema] = {
    "Order": record(
        {"prompt": _PROMPT | {"maxLength": image_tasks.MAX_PROMPT}},
        checked(
            image_tasks.FIELDS,
            _ORDER_WORDS,
            shapes={"images": array(_URL, maxItems=image_tasks.MAX_IMAGES), "callback_url": _URL},
            defaults=image_tasks.DEFAULTS,
        ),
    ),
    "OrderTaken": record(
        {
            "code": whole(),
            "message": text(),
            "data": record({"task_id": text(), "status": constant("IN_PROGRESS")}),
        }
    ),
    "Task": record(
        {
            "code": whole(),
            "message": text(),
            "data": record(
                {
                    "task_id": text(),
                    "status": choice("PENDING", "IN_PROGRESS", "SUCCESS", "FAILED"),
                    "consumed_credits": number("What is held, then what it cost; 0 where it failed."),
                    "created_at": _TIME,
                },
                {
                    "request": anything("What you sent."),
                    "response": nullable(array(text(), "Links to the pictures.")),
                    "error_message": nullable(text("Why it failed.")),
                    "callback": ref("Callback"),
                },
            ),
        }
    ),
    "Callback": record(
        {
            "status": choice("waiting", "pending", "delivered", "failed"),
            "attempts": array(ref("CallbackAttempt"), "The latest, the oldest of them first."),
            "next_at": nullable(_TIME),
        }
    ),
    "CallbackAttempt": record(
        {
            "at": _TIME,
            "seconds": number("How long it took."),
            "status": nullable(whole()),
            "error": nullable(text("Why there was no answer.")),
        }
    ),
    "MiniChatRequest": chat_request(mini.DEFAULTS),
    "PictureOrder": record(
        {"model": text(minLength=1), "prompt": _PROMPT},
        checked(mini_images.FIELDS, _PICTURE_WORDS, defaults=_PICTURE_DEFAULTS),
    ),
    "PictureOrdered": record({"status": constant("success"), "jobid": whole(), "signature": text()}),
    "JobRequest": record(
        {
            "jobid": either(whole(minimum=1), text(pattern=r"^\d{1,16}$"), words="The number that you were given."),
            "signature": text("What you were given with it.", minLength=1),
        }
    ),
    "Job": record(
        {
            "status": choice("pending", "processing", "success", "error"),
            "image_url": nullable(text("A link to the picture.")),
            "message": text(),
        }
    ),
}  # fmt: skip

_IDEMPOTENCY = Parameter(
    "idempotency-key", "header", "The same order sent again under the same key is one task, and one charge.",
    text(minLength=1, maxLength=255),
)  # fmt: skip
_TASK_ID = Parameter("task_id", "query", "The id that the order was answered with.", text(), required=True)
_TASKS, _MINI = "Image tasks", "Mini"
OPERATIONS = (
    Operation(
        "post", "/api/generate", "orderPicture", _TASKS, "Order a picture", "Order",
        words="It is answered at once; what the order can cost is held until its end.",
        parameters=(_IDEMPOTENCY,),
        body=Body(
            {JSON: ref("Order")}, {"order": {"prompt": "A mountain lake", "size": "1536*1024", "quality": "high"}}
        ),
        answers={200: Answer("The order is taken.", {JSON: ref("OrderTaken")})},
        proxied=True,
    ),
    Operation(
        "get", "/api/status", "getTask", _TASKS, "Ask how far an order is", "Order",
        parameters=(_TASK_ID,),
        answers={200: Answer("The task.", {JSON: ref("Task")})},
    ),
    Operation(
        "delete", "/api/status", "cancelTask", _TASKS, "Take an order back that nobody has begun", "Order",
        words="A 409 once it has begun.",
        parameters=(_TASK_ID,),
        answers={200: Answer("The task, which is over.", {JSON: ref("Task")})},
    ),
    Operation(
        "post", "/api/chat-completions/", "createMiniChatCompletion", _MINI, "Ask a model, and get a stream", "OpenAI",
        words="Chat as above, with defaults of its own, and always a usage chunk.",
        body=Body(
            {JSON: ref("MiniChatRequest")},
            {
                "stream": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]},
                "json": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "stream": False},
            },
        ),
        answers={200: Answer("The answer.", {JSON: ref("ChatCompletion")}, events="ChatCompletionChunk")},
        also=("/api/chat-completions",),
        proxied=True,
    ),
    Operation(
        "post", "/api/texttoimage/", "orderMiniPicture", _MINI, "Order a picture of Stable Diffusion", "Picture",
        parameters=(_IDEMPOTENCY,),
        body=Body(
            {JSON: ref("PictureOrder")},
            {"order": {"model": "realvision", "prompt": "A portrait", "width": 1152, "height": 768}},
        ),
        answers={200: Answer("The order is taken.", {JSON: ref("PictureOrdered")})},
        also=("/api/texttoimage",),
        proxied=True,
    ),
    Operation(
        "post", "/api/texttoimage/jobs/", "getMiniJob", _MINI, "Ask how far a picture is", "Picture",
        words="Needs no key: whoever has number and signature may see that one job.",
        body=Body({JSON: ref("JobRequest")}),
        answers={200: Answer("The job.", {JSON: ref("Job")})},
        also=("/api/texttoimage/jobs",),
        keys="none",
    ),
)  # fmt: skip
