"""What local mode tells its user: endpoint, keys, a line to paste, and the file that sets a shell up. Pure texts."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from havuz_contract.snapshot.models import Snapshot
from havuz_contract.v1alpha1.project import Project
from havuz_gateway.local.credentials import clear_key
from havuz_gateway.local.manifests import Reading, SecretName


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A project key in clear: `project` as namespace/name, `mode` Live or Test."""

    project: str
    name: str
    mode: str
    key: str


@dataclass(frozen=True, slots=True)
class Guide:
    """What is served where. `base_url` has no `/v1`; `mocks` are the upstreams that the mock provider answers for."""

    base_url: str
    keys: tuple[ShownKey, ...]
    models: tuple[str, ...]
    chat_model: str | None
    mocks: tuple[str, ...]

    def first(self, mode: str) -> str | None:
        """The first key of this mode."""
        return next((shown.key for shown in self.keys if shown.mode == mode), None)

    def environment(self) -> str:
        """The text of a file for a shell to read with `.`, so that SDKs find the gateway by themselves."""
        live, test = self.first("Live"), self.first("Test")
        values = {
            "OPENAI_BASE_URL": f"{self.base_url}/v1",
            "OPENAI_API_KEY": live or test,
            "ANTHROPIC_BASE_URL": self.base_url,
            "ANTHROPIC_API_KEY": live or test,
            "HAVUZ_TEST_KEY": test,
        }
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items() if value)

    def welcome(self, environment_file: str, *, pages: bool) -> str:
        """What to show once everything is served, with `pages` where customers find theirs."""
        lines = [f"havuz serves {self.base_url}/v1"]
        if pages:
            lines.append(f"the customers' pages are at {self.base_url}/dashboard: sign in with one of the keys")
        lines.append("")
        width = max((len(f"{shown.project} {shown.name}") for shown in self.keys), default=0)
        lines += [f"  {f'{shown.project} {shown.name}':<{width}}  {shown.key}" for shown in self.keys]
        lines += ["", f"  models: {', '.join(self.models) or 'none yet'}"]
        if self.mocks:
            lines.append(f"  answered by the built-in mock provider: {', '.join(self.mocks)}")
        key = self.first("Live") or self.first("Test")
        if key is not None and self.chat_model is not None:
            lines += ["", f"  {self._curl(key, self.chat_model)}"]
        lines += [
            "",
            f"  `. {shlex.quote(environment_file)}` sets a shell up for the OpenAI and Anthropic SDKs; Ctrl-C stops",
        ]
        return "\n".join(lines)

    def _curl(self, key: str, model: str) -> str:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
        headers = f"-H 'Authorization: Bearer {key}' -H 'Content-Type: application/json'"
        return f"curl {self.base_url}/v1/chat/completions {headers} -d {shlex.quote(body)}"


def guide(
    base_url: str, reading: Reading, secrets: Mapping[SecretName, Mapping[str, str]], snapshot: Snapshot
) -> Guide:
    """What is to be told of this configuration."""
    keys = tuple(
        ShownKey(f"{project.metadata.namespace}/{project.metadata.name}", key.name, key.mode, shown)
        for project in reading.objects.values()
        if isinstance(project, Project) and project.uid in snapshot.projects
        for key in project.spec.keys
        if (shown := clear_key(project, key, secrets))
    )
    routes = [snapshot.routes[one.uid] for one in reading.objects.values() if one.uid in snapshot.routes]
    return Guide(
        base_url=base_url,
        keys=keys,
        models=tuple(sorted({route.model for route in routes})),
        chat_model=next((route.model for route in routes if "chat" in route.operations), None),
        mocks=tuple(sorted(one.name for one in snapshot.upstreams.values() if one.provider == "mock")),
    )
