"""Answers that are not JSON, as classes whose media type stands in the API's description."""

from typing import Any, Self

from starlette.responses import Response, StreamingResponse

__all__ = ["IMAGE", "Csv", "Pdf", "Svg"]

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


class Pdf(Response):
    """A file for a print shop."""

    media_type = "application/pdf"

    @classmethod
    def named(cls, content: bytes, name: str, *, cache: str = "no-store") -> Self:
        """A download; ``name`` is the file's name, in ASCII."""
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": cache,
            "Content-Security-Policy": "default-src 'none'",
        }
        return cls(content, headers=headers)
