"""docker-compose.yml as processes: each service's own command and environment, its hosts mapped to this machine."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.stack.processes import free_port
from ops.provision import env_file
from tests.support.databases import ROOT

__all__ = ["Compose", "Service"]

_VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Service:
    """One of our services as the file says it is run."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    healthcheck: tuple[str, ...]
    after: Mapping[str, str]
    """Service → condition."""


class Compose:
    """The file, with `.env.example` filled with fresh secrets as its `.env`."""

    def __init__(self, path: Path = ROOT / "docker-compose.yml") -> None:
        self.variables = dict(
            line.split("=", 1)
            for line in env_file((ROOT / ".env.example").read_text("utf-8")).splitlines()
            if line and not line.startswith("#")
        )
        self.asked: set[str] = set()
        self.document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
        self.third_party = {name for name, service in self.services.items() if service["image"] != "weiguang"}

    @property
    def services(self) -> dict[str, Any]:
        """All of them, third parties' too, as they stand in the file."""
        found: dict[str, Any] = self.document["services"]
        return found

    def resolve(self, text: str) -> str:
        """Put variables in, as compose does.

        Raises:
            KeyError: one is required and not in `.env.example`.
        """

        def replace(match: re.Match[str]) -> str:
            name, kind, default = match.groups()
            self.asked.add(name)
            value = self.variables.get(name, "")
            if not value and kind == "-":
                return str(default)
            if not value:
                raise KeyError(f"{name} is asked for in docker-compose.yml and not filled by .env.example")
            return value

        return _VARIABLE.sub(replace, text)

    def ports(self) -> dict[tuple[str, int], int]:
        """(service, port in its container) → a port of this machine, for ours."""
        return {
            (name, int(value)): free_port()
            for name in self.services
            if name not in self.third_party
            for key, value in self.environment(name).items()
            if key in ("WEIGUANG_HTTP_PORT", "WEIGUANG_OPS_PORT")
        }

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service, with variables put in."""
        return {key: self.resolve(str(value)) for key, value in self.services[name].get("environment", {}).items()}

    def kafka_properties(self) -> dict[str, str]:
        """The broker's properties as the image makes them of its variables, its places left in braces."""
        places = {"kafka:9092": "127.0.0.1:{port}", "//:9092": "//127.0.0.1:{port}"}
        places |= {"localhost:9093": "127.0.0.1:{controller}", "/var/lib/kafka/data": "{logs}"}
        found: dict[str, str] = {}
        for key, value in self.environment("kafka").items():
            name = key.removeprefix("KAFKA_").lower().replace("_", ".").replace("...", "-").replace("..", "_")
            for place, here in places.items():
                value = value.replace(place, here)
            found[name] = value
        return found

    def networks(self, name: str) -> set[str]:
        """Networks that a service is on."""
        return set(self.services[name].get("networks", ()))

    def service(self, name: str, ports: Mapping[tuple[str, int], int]) -> Service:
        """The service, with every `host:port` that the file names replaced by where it is on this machine."""
        entry = self.services[name]
        own = {port: here for (service, port), here in ports.items() if service == name}

        def local(text: str) -> str:
            for (service, port), here in ports.items():
                text = re.sub(rf"\b{service}:{port}\b", f"127.0.0.1:{here}", text)
            for port, here in own.items():
                text = re.sub(rf"\b(127\.0\.0\.1|0\.0\.0\.0):{port}\b", f"127.0.0.1:{here}", text)
            return text

        environment = {key: local(value) for key, value in self.environment(name).items()}
        for key in ("WEIGUANG_HTTP_PORT", "WEIGUANG_OPS_PORT"):
            if key in environment:
                environment[key] = str(own[int(environment[key])])
        if "WEIGUANG_HTTP_HOST" in environment:
            environment["WEIGUANG_HTTP_HOST"] = "127.0.0.1"
        if (smtp := ("mail", 1025)) in ports and environment.get("WEIGUANG_SMTP_HOST") == "mail":
            environment |= {"WEIGUANG_SMTP_HOST": "127.0.0.1", "WEIGUANG_SMTP_PORT": str(ports[smtp])}
        test = entry.get("healthcheck", {}).get("test", ["CMD"])
        return Service(
            name=name,
            command=tuple(_python(entry["command"])),
            environment=environment,
            healthcheck=tuple(_python([local(self.resolve(part)) for part in test[1:]])),
            after={other: what["condition"] for other, what in entry.get("depends_on", {}).items()},
        )


def _python(command: list[str]) -> list[str]:
    return [sys.executable if part == "python" else part for part in command]
