"""Static files: read once, compressed once, named by their content so that a browser asks for each only once."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from services.web.pages.language import LANGUAGES, SOURCE
from services.web.pages.language.current import catalogue_of
from shared.auth.access import public

__all__ = ["address", "router", "words"]

_PAGES = Path(__file__).parent
_DIRECTORIES = _PAGES / "static", _PAGES / "vendored"
"""Our own files, and those of others, unchanged and with their licence."""
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    packed: bytes
    media_type: str
    digest: str


def _asset(content: bytes, suffix: str) -> Asset:
    # mtime 0: the same file gives the same bytes in every process
    packed = gzip.compress(content, 9, mtime=0)
    return Asset(content, packed, _TYPES[suffix], hashlib.sha256(content).hexdigest()[:12])


def words(language: str) -> str:
    """The name of the static file with the script's sentences in a language; empty for the source's."""
    return "" if language == SOURCE else f"words.{language}.js"


def _words(language: str) -> bytes:
    said = json.dumps(dict(catalogue_of(language).script), ensure_ascii=False)
    return f"window.weiguangWords={said};\n".encode()


_ASSETS = {
    **{
        path.name: _asset(path.read_bytes(), path.suffix)
        for directory in _DIRECTORIES
        for path in sorted(directory.iterdir())
        if path.suffix in _TYPES
    },
    **{words(language): _asset(_words(language), ".js") for language in LANGUAGES if language != SOURCE},
}


def address(name: str) -> str:
    """Where a static file is; changes with its content.

    Raises:
        KeyError: there is no such file.
    """
    return f"/static/{name}?v={_ASSETS[name].digest}"


@router.get("/static/{name}", dependencies=[public()], include_in_schema=False)
async def read_asset(name: str, request: Request) -> Response:
    """One static file."""
    asset = _ASSETS.get(name)
    if asset is None:
        return Response(status_code=404)
    named = request.query_params.get("v") == asset.digest
    headers = {
        "cache-control": "public, max-age=31536000, immutable" if named else "no-cache",
        "etag": f'"{asset.digest}"',
        "vary": "accept-encoding",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)
