"""Programs that ask what a page shows, complete and ready to run: they read the key from `API_KEY`. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from havuz_gateway.surfaces.pages.literals import literal, shell

KEY_VARIABLE = "API_KEY"
# Members of a chat's body that OpenAI's SDKs have no parameter for.
_OWN = ("think", "deepsearch", "timeout")
_LONGEST_DATA = 2_000  # characters of a picture in its URL that code still shows
_Body = Mapping[str, Any]


def curl(base_url: str, path: str, body: _Body | None, *, method: str = "POST", stream: bool = False) -> str:
    """A command of curl; `stream` shows what comes as it comes."""
    verb = "" if method == ("GET" if body is None else "POST") else f" -X {method}"
    lines = [f"curl{' -N' if stream else ''}{verb} {shell(base_url + path)}"]
    lines.append(f'  -H "Authorization: Bearer ${KEY_VARIABLE}"')
    if body is not None:
        lines.append("  -H 'Content-Type: application/json'")
        lines.append(f"  -d {shell(json.dumps(shortened(body), ensure_ascii=False, indent=2))}")
    return " \\\n".join(lines) + "\n"


def python_chat(base_url: str, body: _Body) -> str:
    """OpenAI's SDK for Python."""
    call = f"client.chat.completions.create(\n{_arguments(body)})"
    if not body.get("stream"):
        return f"{_python_client(base_url)}answer = {call}\nprint(answer.choices[0].message.content)\n"
    return (
        f"{_python_client(base_url)}stream = {call}\n"
        "for chunk in stream:\n"
        "    if chunk.choices and chunk.choices[0].delta.content:\n"
        '        print(chunk.choices[0].delta.content, end="", flush=True)\n'
        "print()\n"
    )


def python_image(base_url: str, body: _Body) -> str:
    """A picture by OpenAI's SDK for Python, kept as a file."""
    return (
        f"{_python_client(base_url, 'import base64')}"
        f"answer = client.images.generate(\n{_arguments(body)})\n"
        "picture = answer.data[0]\n"
        "if picture.b64_json:\n"
        '    with open("picture.png", "wb") as file:\n'
        "        file.write(base64.b64decode(picture.b64_json))\n"
        'print(picture.url or "picture.png")\n'
    )


def python_message(base_url: str, body: _Body) -> str:
    """Anthropic's SDK for Python."""
    return (
        "import os\n\nfrom anthropic import Anthropic\n\n"
        f'client = Anthropic(base_url={literal(base_url, "python")}, api_key=os.environ["{KEY_VARIABLE}"])\n'
        f"message = client.messages.create(\n{_arguments(body)})\n"
        'print("".join(block.text for block in message.content if block.type == "text"))\n'
    )


def node_chat(base_url: str, body: _Body) -> str:
    """OpenAI's SDK for Node."""
    asked = literal(shortened(body), "javascript")
    if not body.get("stream"):
        return (
            f"{_node_client(base_url)}const answer = await client.chat.completions.create({asked});\n"
            "console.log(answer.choices[0].message.content);\n"
        )
    return (
        f"{_node_client(base_url)}const stream = await client.chat.completions.create({asked});\n"
        "for await (const chunk of stream) {\n"
        '    process.stdout.write(chunk.choices[0]?.delta?.content ?? "");\n'
        "}\n"
        "console.log();\n"
    )


def node_image(base_url: str, body: _Body) -> str:
    """A picture by OpenAI's SDK for Node, kept as a file."""
    asked = literal(shortened(body), "javascript")
    return (
        f"""{_node_client(base_url, 'import { writeFile } from "node:fs/promises";')}"""
        f"const answer = await client.images.generate({asked});\n"
        "const [picture] = answer.data;\n"
        'if (picture.b64_json) await writeFile("picture.png", Buffer.from(picture.b64_json, "base64"));\n'
        'console.log(picture.url ?? "picture.png");\n'
    )


def php_chat(base_url: str, body: _Body) -> str:
    """PHP with its cURL."""
    url = literal(f"{base_url}/v1/chat/completions", "php")
    return (
        "<?php\n$curl = curl_init();\n"
        "curl_setopt_array($curl, [\n"
        f"    CURLOPT_URL => {url},\n"
        "    CURLOPT_RETURNTRANSFER => true,\n"
        "    CURLOPT_POST => true,\n"
        "    CURLOPT_HTTPHEADER => [\n"
        f"        'Authorization: Bearer ' . getenv('{KEY_VARIABLE}'),\n"
        "        'Content-Type: application/json',\n"
        "    ],\n"
        f"    CURLOPT_POSTFIELDS => json_encode({literal(shortened(body), 'php', indent=1)}),\n"
        "]);\n"
        "$answer = json_decode(curl_exec($curl), true);\n"
        "if (curl_getinfo($curl, CURLINFO_HTTP_CODE) !== 200) {\n"
        "    exit($answer['error']['message'] . PHP_EOL);\n"
        "}\n"
        "echo $answer['choices'][0]['message']['content'], PHP_EOL;\n"
    )


def shortened(value: Any) -> Any:
    """The value, with long pictures in it cut to where they begin: put your own in their place."""
    match value:
        case Mapping():
            return {name: shortened(one) for name, one in value.items()}
        case list():
            return [shortened(one) for one in value]
        case str() if value.startswith("data:") and len(value) > _LONGEST_DATA:
            return value[: value.find(",") + 1] + "…"
        case _:
            return value


def _arguments(body: _Body) -> str:
    """A body as the arguments of a call, one in each line."""
    plain = {name: value for name, value in shortened(body).items() if name not in _OWN}
    lines = [f"    {name}={literal(value, 'python', indent=1)},\n" for name, value in plain.items()]
    own = {name: body[name] for name in _OWN if name in body}
    return "".join(lines) + (f"    extra_body={literal(own, 'python', indent=1)},\n" if own else "")


def _python_client(base_url: str, first: str = "") -> str:
    imports = "\n".join(line for line in (first, "import os") if line)
    url = literal(f"{base_url}/v1", "python")
    client = f'client = OpenAI(base_url={url}, api_key=os.environ["{KEY_VARIABLE}"])'
    return f"{imports}\n\nfrom openai import OpenAI\n\n{client}\n"


def _node_client(base_url: str, first: str = "") -> str:
    imports = "\n".join(line for line in (first, 'import OpenAI from "openai";') if line)
    url = literal(f"{base_url}/v1", "javascript")
    return f"{imports}\n\nconst client = new OpenAI({{ baseURL: {url}, apiKey: process.env.{KEY_VARIABLE} }});\n"
