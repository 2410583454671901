"""`weiguang token|events|dead-letters|groups`: the services' streams for engineers and auditors.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no service answers. With --json each line is one JSON object.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from ops.engineers.client import REFUSED, SERVICES, USAGE, ApiClient, CallFailed

__all__ = ["add_commands"]

Base = Annotated[str, typer.Option("--api", envvar="WEIGUANG_API", help="Address of the gateway.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Service = Annotated[str, typer.Argument(help="recruitment, points, notify or operations")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the audit trail.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000)]
Filter = Annotated[str | None, typer.Option()]
Ids = Annotated[list[int] | None, typer.Option("--id", help="A dead letter; may be given several times.")]
GroupId = Annotated[str | None, typer.Option("--group-id", help="All that failed alike.")]

_GATEWAY = "http://127.0.0.1:8000"
_EVENT = ("published_at", "topic", "type", "key", "event_id", "correlation_id")
_LETTER = ("id", "status", "group", "event_type", "kind", "seen", "reason")
_LETTER_GROUP = ("group_id", "records", "most_seen", "group", "event_type", "kind", "reason_class")
_CONSUMER = ("group", "running", "paused", "lag", "last_progress_at", "topics")
_POLL_SECONDS = 1.0


@contextmanager
def _failing() -> Iterator[None]:
    """End the command with the exit code of what failed, and its sentence on standard error."""
    try:
        yield
    except CallFailed as error:
        typer.echo(f"✗ {_plain(error)}", err=True)
        raise typer.Exit(error.code) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(0) from None


def _plain(value: object) -> str:
    """A value on one line, without characters that a terminal would obey."""
    text = (
        "-"
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str)
    )
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _print(item: Mapping[str, Any], columns: Iterable[str], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(item, ensure_ascii=False))
    else:
        typer.echo("  ".join(_plain(item.get(column)) for column in columns))
    sys.stdout.flush()


events = typer.Typer(no_args_is_help=True, help="Events of all topics: live, by search, or of one cause.")


@events.command()
def tail(
    topic: Filter = None,
    type: Filter = None,
    key: Filter = None,
    correlation: Filter = None,
    site: Filter = None,
    text: Filter = None,
    count: Annotated[int, typer.Option(help="End after so many; 0 goes on for ever.")] = 0,
    api: Base = _GATEWAY,
    as_json: Json = False,
) -> None:
    """Print events as they are indexed; a lost connection goes on without a gap."""
    asked = {"topic": topic, "type": type, "key": key, "correlation_id": correlation, "site_id": site, "text": text}
    with _failing():
        shown = 0
        for name, data in ApiClient.of_environment(api).stream("operations", "events/stream", asked):
            if name == "gap":
                typer.echo(f"… not sent: rows between {data['after']} and {data['before']}; use search", err=True)
                continue
            _print(data, _EVENT, as_json)
            shown += 1
            if shown == count:
                return


@events.command()
def search(
    topic: Filter = None,
    type: Filter = None,
    key: Filter = None,
    aggregate: Filter = None,
    correlation: Filter = None,
    site: Filter = None,
    since: Filter = None,
    until: Filter = None,
    text: Filter = None,
    limit: Limit = 50,
    api: Base = _GATEWAY,
    as_json: Json = False,
) -> None:
    """Print events of the last 30 days, newest first; times are RFC 3339 with an offset."""
    asked = {
        "topic": topic, "type": type, "key": key, "aggregate_id": aggregate, "correlation_id": correlation,
        "site_id": site, "since": since, "until": until, "text": text,
    }  # fmt: skip
    with _failing():
        for item in ApiClient.of_environment(api).pages("operations", "events", asked, limit):
            _print(item, _EVENT, as_json)


@events.command()
def trace(correlation: str, api: Base = _GATEWAY, as_json: Json = False) -> None:
    """Print everything of one correlation id, in order of time."""
    with _failing():
        found = ApiClient.of_environment(api).get("operations", f"traces/{_segment(correlation)}")
        for item in found["events"]:
            _print(item, _EVENT, as_json)


letters = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be applied.")


@letters.command("list")
def list_letters(
    service: Annotated[str | None, typer.Argument(help="A service; without it all.")] = None,
    status: str = "open",
    group_id: GroupId = None,
    groups: Annotated[bool, typer.Option("--groups", help="Those that failed alike as one line.")] = False,
    limit: Limit = 50,
    api: Base = _GATEWAY,
    as_json: Json = False,
) -> None:
    """Print dead letters, newest first, or their groups, the largest first."""
    with _failing():
        client = ApiClient.of_environment(api)
        for name in SERVICES if service is None else (_service(service),):
            if groups:
                found = client.get(name, "dead-letters/groups", {"status": status, "limit": min(limit, 200)})["items"]
            else:
                found = client.pages(name, "dead-letters", {"status": status, "group_id": group_id}, limit)
            for item in found:
                _print({"service": name, **item}, ("service", *(_LETTER_GROUP if groups else _LETTER)), as_json)


@letters.command()
def replay(
    service: Service,
    reason: Reason,
    ids: Ids = None,
    group_id: GroupId = None,
    dry_run: DryRun = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; a replay that stops is a failure.")] = False,
    api: Base = _GATEWAY,
    as_json: Json = False,
) -> None:
    """Apply dead letters again, unchanged, by the consumer that refused them."""
    with _failing():
        client, body = ApiClient.of_environment(api), _choice(ids, group_id, reason, dry_run)
        answer = client.post(_service(service), "dead-letters/replay", body)
        counts = ("selected", "would_apply", "already_applied", "unreadable")
        _print(answer, counts if dry_run else ("replay_id", "selected"), as_json)
        if dry_run or not wait:
            return
        while (state := client.get(service, f"dead-letters/replays/{answer['replay_id']}"))["ended_at"] is None:
            time.sleep(_POLL_SECONDS)
        _print(state, ("state", "applied", "failed", "failure"), as_json)
        if state["state"] != "done":
            raise CallFailed(REFUSED, f"the replay stopped at dead letter {state['failed_letter']}")


def _decision(act: str, doc: str) -> Callable[..., None]:
    def decide(
        service: Service,
        reason: Reason,
        ids: Ids = None,
        group_id: GroupId = None,
        dry_run: DryRun = False,
        api: Base = _GATEWAY,
        as_json: Json = False,
    ) -> None:
        with _failing():
            body = _choice(ids, group_id, reason, dry_run)
            answer = ApiClient.of_environment(api).post(_service(service), f"dead-letters/{act}", body)
            _print(answer, ("changed",), as_json)

    decide.__doc__ = doc
    return decide


letters.command("discard")(_decision("discard", "Close dead letters that are not wanted."))
letters.command("restore")(_decision("restore", "Open dead letters again that were discarded in the last 30 days."))


groups_app = typer.Typer(invoke_without_command=True, help="Consumer groups: lag, progress, pauses, resets.")


@groups_app.callback()
def list_groups(context: typer.Context, api: Base = _GATEWAY, as_json: Json = False) -> None:
    """Print the groups of all services."""
    if context.invoked_subcommand is not None:
        return
    with _failing():
        client = ApiClient.of_environment(api)
        for name in SERVICES:
            for item in client.get(name, "consumers")["items"]:
                _print({"service": name, **item}, ("service", *_CONSUMER), as_json)


def _switch(act: str, doc: str) -> Callable[..., None]:
    def switch(
        service: Service,
        group: str,
        reason: Reason,
        dry_run: DryRun = False,
        api: Base = _GATEWAY,
        as_json: Json = False,
    ) -> None:
        with _failing():
            path = f"consumers/{_segment(group)}/{act}"
            answer = ApiClient.of_environment(api).post(_service(service), path, {"reason": reason, "dry_run": dry_run})
            _print(answer, ("group", "paused_until"), as_json)

    switch.__doc__ = doc
    return switch


groups_app.command("pause")(_switch("pause", "Pause a consumer; the pause lapses after four hours."))
groups_app.command("resume")(_switch("resume", "End a pause."))


@groups_app.command()
def reset(
    service: Service,
    group: str,
    reason: Reason,
    since: Filter = None,
    beginning: Annotated[bool, typer.Option("--beginning")] = False,
    offset: Annotated[int | None, typer.Option(min=0)] = None,
    topic: Filter = None,
    partition: Annotated[int | None, typer.Option(min=0)] = None,
    dry_run: DryRun = False,
    api: Base = _GATEWAY,
    as_json: Json = False,
) -> None:
    """Let a consumer read again from a moment, an offset or the beginning; never forwards."""
    body = {
        "reason": reason, "dry_run": dry_run, "since": since, "beginning": beginning or None, "offset": offset,
        "topic": topic, "partition": partition,
    }  # fmt: skip
    with _failing():
        client = ApiClient.of_environment(api)
        answer = client.post(_service(service), f"consumers/{_segment(group)}/reset", body)
        if as_json:
            _print(answer, (), as_json)
            return
        for item in answer["partitions"]:
            _print(item, ("topic", "partition", "from_offset", "to_offset", "records"), as_json)


def token(
    username: Annotated[str, typer.Option("--username", prompt=True)],
    password: Annotated[str, typer.Option("--password", prompt=True, hide_input=True, envvar="WEIGUANG_PASSWORD")],
    api: Base = _GATEWAY,
) -> None:
    """Sign in, and print an access token for WEIGUANG_TOKEN; it lives for a quarter of an hour."""
    with _failing():
        client = ApiClient(api)
        answer = client.post("recruitment", "auth/sessions", {"username": username, "password": password})
        if answer["session"] is None:
            code = typer.prompt("code of the second factor", err=True)
            body = {"challenge_id": answer["challenge_id"], "code": code}
            answer = client.post("recruitment", "auth/sessions/second-step", body)
        typer.echo(answer["session"]["access_token"])


def _service(name: str) -> str:
    if name not in SERVICES:
        raise CallFailed(USAGE, f"there is no service {name!r}: one of {', '.join(SERVICES)}")
    return name


def _segment(text: str) -> str:
    if not text or not all(char.isalnum() or char in "-_." for char in text):
        raise CallFailed(USAGE, f"{text!r} is no id")
    return text


def _choice(ids: list[int] | None, group_id: str | None, reason: str, dry_run: bool) -> dict[str, object]:
    if bool(ids) == bool(group_id):
        raise CallFailed(USAGE, "give either --id or --group-id")
    return {"ids": ids or None, "group_id": group_id, "reason": reason, "dry_run": dry_run}


def add_commands(app: typer.Typer) -> None:
    """Add the commands to an app."""
    app.add_typer(events, name="events")
    app.add_typer(letters, name="dead-letters")
    app.add_typer(groups_app, name="groups")
    app.command()(token)
