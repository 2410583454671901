"""Answers that are not JSON, as classes whose media type stands in the API's description."""

from typing import Any

from starlette.responses import Response, StreamingResponse

__all__ = ["IMAGE", "Csv", "Svg"]

IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in ("image/png", "image/jpeg", "image/webp")}},
    304: {"description": "The caller has it already."},
}
"""``responses`` of a route that answers with a picture as it was uploaded."""


class Csv(StreamingResponse):
    """Rows of a spreadsheet, streamed."""

    media_type = "text/csv"


class Svg(Response):
    """A drawing."""

    media_type = "image/svg+xml"
