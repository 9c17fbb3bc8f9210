"""Values as the code of programs: whatever is in them, the program says the same."""

import ast
import json
import shlex
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from havuz_gateway.surfaces.pages import snippets
from havuz_gateway.surfaces.pages.literals import literal, shell

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_python_reads_the_value_back(value: Any) -> None:
    assert ast.literal_eval(literal(value, "python")) == value


@given(TEXT.filter(lambda text: "\0" not in text))
def test_a_shell_reads_the_text_back(text: str) -> None:
    assert shlex.split(shell(text)) == [text]


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_curl_sends_the_body(body: dict[str, Any]) -> None:
    words = shlex.split(snippets.curl("https://api.example.com", "/v1/x", body).replace("\\\n", " "))
    assert words[1] == "https://api.example.com/v1/x"
    assert json.loads(words[words.index("-d") + 1]) == json.loads(json.dumps(body))


def test_php_and_javascript_keep_their_own_signs_apart() -> None:
    assert literal("a $b 'c' \\", "php") == "'a $b \\'c\\' \\\\'"
    assert literal({"a": [True, None], "b c": "\u2028"}, "javascript") == '{a: [true, null], "b c": "\\u2028"}'
    assert literal({"a": {}}, "php") == "['a' => []]"


def test_a_long_picture_is_cut_to_where_it_begins() -> None:
    url = "data:image/png;base64," + "A" * 5_000
    body = {"messages": [{"content": [{"image_url": {"url": url}}]}]}
    shown = snippets.shortened(body)["messages"][0]["content"][0]["image_url"]["url"]
    assert shown == "data:image/png;base64,…"


def test_what_sdks_have_no_parameter_for_goes_beside_the_others() -> None:
    program = snippets.python_chat("https://h", {"model": "m", "messages": [], "think": True})
    assert 'extra_body={"think": True},' in program
    assert "    think=" not in program
