"""A provider inside the process: realistic answers without a provider, for test keys and for trying havuz out.

Answers depend on the request alone (only `created` comes from the clock): same request, same id, text and vectors.
A text answer quotes the start of the last user message. With `tools`, a last message from the user is answered by a
call of the tool it names (else the first), with arguments that fit the tool's schema; `tool_choice` is honoured, and a
tool's result is answered by text. `response_format`, `n`, `stop`, `max_tokens`, `logprobs`, `dimensions` and
`encoding_format` do what they do elsewhere. Usage is an estimate: four characters of a prompt are a token, and so is a
word of an answer.

Pictures are real PNGs of the asked size; speech is a tone or silence; a transcription says what was not heard.

An app can test its error paths by one of these as the whole last user message (or the input of embeddings and speech,
or the prompt of a picture or a transcription):

| text                | what happens                                                                    |
|---------------------|---------------------------------------------------------------------------------|
| `havuz:error=429`   | that status (400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504 or 529) |
| `havuz:timeout`     | no answer: the request ends when its own deadline passes                        |
| `havuz:slow`        | a pause of 0.2 s before each piece of the answer                                |
| `havuz:stream-break`| the stream breaks off after its first pieces; a JSON answer breaks likewise     |
| `havuz:length`      | the answer is cut as by a token limit (`finish_reason` is `length`)             |
| `havuz:refusal`     | the model refuses (`refusal` holds its words, `content` is null)                |
"""

from havuz_gateway.providers.mock.provider import Mock
from havuz_gateway.providers.mock.transport import MockTransport

__all__ = ["Mock", "MockTransport"]
