"""`weiguang` for engineers: what it asks the API, what it prints, and its exit codes."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app

EVENT = {"event_id": "e1", "topic": "points", "type": "volunteering.points.posted.v1", "key": "k\x1b[31m", "number": 7}


@dataclass
class StandInGateway:
    """A gateway that answers what the test says, and remembers what it was asked."""

    base: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, list[str]], Any, dict[str, str]]] = field(default_factory=list)

    def run(self, *arguments: str, token: str | None = "t") -> Result:
        environment = {"WEIGUANG_API": self.base, "WEIGUANG_TOKEN": token, "WEIGUANG_TOKEN_FILE": None}
        return CliRunner().invoke(app, list(arguments), env=environment)


@pytest.fixture
def gateway() -> Iterator[StandInGateway]:
    found = StandInGateway()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.seen.append((asked.path, parse_qs(asked.query), body, headers))
            status, answer = found.answers.get(asked.path.removeprefix("/api/"), (404, {"type": "not-found"}))
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.base = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


def test_a_search_follows_the_pages_and_prints_json_for_scripts(gateway: StandInGateway) -> None:
    gateway.answers["operations/v1/events"] = (200, {"items": [EVENT, EVENT], "next_cursor": "c"})
    done = gateway.run("events", "search", "--topic", "points", "--limit", "5", "--json")
    assert done.exit_code == 0
    assert [json.loads(line) for line in done.stdout.splitlines()] == [EVENT] * 5
    path, query, _, headers = gateway.seen[1]
    assert (path, query) == ("/api/operations/v1/events", {"topic": ["points"], "cursor": ["c"], "limit": ["3"]})
    assert headers["authorization"] == "Bearer t"


def test_what_an_event_holds_does_not_steer_the_terminal(gateway: StandInGateway) -> None:
    gateway.answers["operations/v1/traces/c-1"] = (200, {"events": [EVENT]})
    done = gateway.run("events", "trace", "c-1")
    assert (done.exit_code, "\x1b" in done.stdout) == (0, False)
    assert r"k\x1b[31m" in done.stdout


def test_a_tail_goes_on_where_the_connection_broke(gateway: StandInGateway) -> None:
    stream = f"id: 7\nevent: event\ndata: {json.dumps(EVENT)}\n\nid: 8\n\n".encode()
    gateway.answers["operations/v1/events/stream"] = (200, stream)
    done = gateway.run("events", "tail", "--count", "2", "--json")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 2)
    assert [headers.get("last-event-id") for *_, headers in gateway.seen] == [None, "8"]


def test_a_replay_that_stops_is_a_failure(gateway: StandInGateway) -> None:
    gateway.answers["points/v1/dead-letters/replay"] = (202, {"replay_id": "r1", "selected": 2})
    ended = {"state": "stopped", "ended_at": "now", "failed_letter": 3, "applied": 1, "failed": 1, "failure": "no"}
    gateway.answers["points/v1/dead-letters/replays/r1"] = (200, ended)
    chosen = ("dead-letters", "replay", "points", "--id", "3", "--id", "4", "--reason", "mended")
    assert gateway.run(*chosen).exit_code == 0
    done = gateway.run(*chosen, "--wait")
    assert (done.exit_code, "stopped at dead letter 3" in done.output) == (1, True)
    _, _, body, headers = gateway.seen[0]
    assert body == {"ids": [3, 4], "reason": "mended", "dry_run": False}
    assert len(headers["idempotency-key"]) == 36


def test_refusals_wrong_usage_and_silence_have_their_own_exit_codes(gateway: StandInGateway) -> None:
    refusal = {"type": "role-not-allowed", "detail": "This call is for the roles: engineer."}
    gateway.answers["notify/v1/consumers/notify/pause"] = (403, refusal)
    gateway.answers["notify/v1/consumers/notify/resume"] = (503, {"type": "away"})
    pause = ("groups", "pause", "notify", "notify", "--reason", "look")
    done = gateway.run(*pause)
    assert (done.exit_code, "for the roles: engineer" in done.output) == (1, True)
    assert gateway.run("groups", "resume", "notify", "notify", "--reason", "look").exit_code == 3
    assert gateway.run(*pause, "--api", "http://127.0.0.1:9").exit_code == 3
    assert gateway.run(*pause, "--api", "file:///etc/passwd").exit_code == 2
    assert gateway.run(*pause, token=None).exit_code == 2
    assert gateway.run("groups", "pause", "nobody", "notify", "--reason", "look").exit_code == 2
    assert gateway.run("groups", "pause", "notify", "../x", "--reason", "look").exit_code == 2
    assert gateway.run("dead-letters", "discard", "points", "--reason", "x").exit_code == 2
    assert gateway.run("dead-letters", "discard", "points").exit_code == 2


def test_groups_and_letters_of_all_services_are_listed(gateway: StandInGateway) -> None:
    for service in ("recruitment", "points", "notify", "operations"):
        gateway.answers[f"{service}/v1/consumers"] = (200, {"items": [{"group": f"{service}-g", "lag": 0}]})
        gateway.answers[f"{service}/v1/dead-letters/groups"] = (200, {"items": [{"records": 2}]})
    assert [line.split()[:2] for line in gateway.run("groups").stdout.splitlines()] == [
        [name, f"{name}-g"] for name in ("recruitment", "points", "notify", "operations")
    ]
    assert len(gateway.run("dead-letters", "list", "--groups", "--json").stdout.splitlines()) == 4


def test_a_token_is_had_by_password_and_second_factor(gateway: StandInGateway) -> None:
    gateway.answers["recruitment/v1/auth/sessions"] = (201, {"session": None, "challenge_id": "c"})
    gateway.answers["recruitment/v1/auth/sessions/second-step"] = (201, {"session": {"access_token": "abc"}})
    environment = {"WEIGUANG_API": gateway.base, "WEIGUANG_PASSWORD": "secret"}
    done = CliRunner().invoke(app, ["token", "--username", "engineer"], env=environment, input="123456\n")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "abc")
    assert gateway.seen[1][2] == {"challenge_id": "c", "code": "123456"}
