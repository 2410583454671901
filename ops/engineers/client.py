"""A client of the services' API: JSON, event streams, and refusals and failures with an exit code each."""

import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

__all__ = ["REFUSED", "SERVICES", "UNREACHABLE", "USAGE", "ApiClient", "CallFailed"]

SERVICES = ("recruitment", "points", "notify", "operations")
REFUSED, USAGE, UNREACHABLE = 1, 2, 3
"""Exit codes: the call was refused or failed, was asked for wrongly, or no service answered."""
_AWAY = frozenset({429, 502, 503, 504})
_SECONDS = 30.0
_RECONNECT_SECONDS = 1.0


class CallFailed(Exception):
    """A call without the answer that was wanted; ``code`` is the exit code of the command."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class ApiClient:
    """Calls services through the gateway.

    Args:
        base: address of the gateway.
        token: access token; ``WEIGUANG_TOKEN``, or the file that ``WEIGUANG_TOKEN_FILE`` names.
    """

    def __init__(self, base: str, token: str | None = None) -> None:
        if not base.startswith(("http://", "https://")):
            raise CallFailed(USAGE, f"{base!r} is no address: it begins with http:// or https://")
        self._base = base.rstrip("/")
        self._token = token

    @classmethod
    def of_environment(cls, base: str) -> "ApiClient":
        """A client with the token of the environment.

        Raises:
            CallFailed: there is none, or its file cannot be read.
        """
        token, file = os.environ.get("WEIGUANG_TOKEN"), os.environ.get("WEIGUANG_TOKEN_FILE")
        if not token and file:
            try:
                token = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise CallFailed(USAGE, f"the token in {file} cannot be read: {error}") from None
        if not token:
            raise CallFailed(USAGE, "set WEIGUANG_TOKEN or WEIGUANG_TOKEN_FILE; `weiguang token` signs in")
        return cls(base, token)

    def get(self, service: str, path: str, query: Mapping[str, object] | None = None) -> Any:
        """The JSON at a path below the service's version; filters without a value are left out.

        Raises:
            CallFailed: the call was refused, or no service answered.
        """
        return self._json(self._request(service, path, query))

    def post(self, service: str, path: str, body: Mapping[str, object]) -> Any:
        """The JSON answer to an act under a key of its own.

        Raises:
            CallFailed: the act was refused, or no service answered.
        """
        request = self._request(service, path, None)
        request.data = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
        request.add_header("content-type", "application/json")
        request.add_header("idempotency-key", str(uuid4()))
        return self._json(request)

    def pages(self, service: str, path: str, query: Mapping[str, object], limit: int) -> Iterator[Any]:
        """Yield the items of a listing, page after page, at most ``limit``."""
        cursor: str | None = None
        while limit > 0:
            page = self.get(service, path, {**query, "cursor": cursor, "limit": min(limit, 200)})
            for item in page["items"][:limit]:
                limit -= 1
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def stream(self, service: str, path: str, query: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
        """Yield the name and data of the events of a stream, for ever; it goes on after a lost connection where it was.

        Raises:
            CallFailed: the stream was refused, or no service answered at the first attempt.
        """
        last: str | None = None
        begun = False
        while True:
            request = self._request(service, path, query)
            request.add_header("accept", "text/event-stream")
            if last is not None:
                request.add_header("last-event-id", last)
            try:
                with self._open(request) as answer:
                    begun = True
                    for name, data, number in _events(answer):
                        last = number or last
                        if data is not None:
                            yield name, data
            except CallFailed as error:
                if not begun or error.code != UNREACHABLE:
                    raise
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(_RECONNECT_SECONDS)

    def _request(self, service: str, path: str, query: Mapping[str, object] | None) -> Request:
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        address = f"{self._base}/api/{service}/v1/{path}" + (f"?{urlencode(asked)}" if asked else "")
        headers = {"accept": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        return Request(address, headers=headers)  # noqa: S310 - the base is http or https

    def _json(self, request: Request) -> Any:
        with self._open(request) as answer:
            try:
                return json.load(answer)
            except (ValueError, OSError, http.client.HTTPException) as error:
                raise CallFailed(UNREACHABLE, f"{request.full_url} answers no JSON: {error}") from None

    def _open(self, request: Request) -> Any:
        try:
            return urlopen(request, timeout=_SECONDS)  # noqa: S310 - the base is http or https
        except HTTPError as error:
            raise CallFailed(UNREACHABLE if error.code in _AWAY else REFUSED, _detail(error)) from None
        except (URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise CallFailed(UNREACHABLE, f"{self._base} does not answer: {reason}") from None


def _detail(error: HTTPError) -> str:
    try:
        problem = json.load(error)
        return f"{problem['type']}: {problem.get('detail') or problem.get('title')} ({error.code})"
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        return f"the answer is {error.code} {error.reason}"


def _events(answer: Any) -> Iterator[tuple[str, Any, str | None]]:
    """The events of a stream as they come: name, data (None without any), number."""
    name, number = "message", None
    data: list[str] = []
    for raw in answer:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            yield name, json.loads("\n".join(data)) if data else None, number
            name, data, number = "message", [], None
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            number = value
