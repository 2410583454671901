"""Versioned documents: YAML in, checked field by field, with a canonical form and a hash of it."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from services.points.versions import yaml_lines
from shared.errors import PermanentError

__all__ = ["WRITING", "Day", "DocumentProblem", "Name", "Part", "VersionedDocument", "check", "parse", "shipped"]


def _no_number(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError("a day is written as 2026-03-05")
    return value


Day = Annotated[date, BeforeValidator(_no_number)]
WRITING = "writing"
"""The context of validation of what is being written, which may be held to more than what was installed long ago."""
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Part(BaseModel):
    """Leave out the members that came after the first version (``LATER``) where they say nothing.

    So the canonical form and the hash of older documents stay what they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    LATER: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_silence(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        fields = type(self).model_fields
        return {
            name: value
            for name, value in found.items()
            if name not in self.LATER or getattr(self, name) != fields[name].default
        }


class VersionedDocument(Part):
    """One version of a document. Once it is in force it is never edited: the next one is written."""

    version: Annotated[int, Field(strict=True, ge=1, le=2_147_483_647)]
    name: Name
    effective_from: Day

    def canonical(self) -> bytes:
        """The document as JSON with sorted keys; what its hash is taken of."""
        return orjson.dumps(self.model_dump(mode="json", by_alias=True), option=orjson.OPT_SORT_KEYS)

    def content_hash(self) -> bytes:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).digest()


D = TypeVar("D", bound=VersionedDocument)


class DocumentProblem(BaseModel):
    """One thing that is wrong with a document: where, and what."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """As one reads it."""
        return f"line {self.line}{', ' if self.path else ''}{self.path}: {self.message}"


def check(kind: type[D], text: str, where: str, version: int | None = None) -> D | list[DocumentProblem]:
    """Read a document from YAML (or JSON, which is YAML), or say everything that is wrong with it.

    ``version``: the number that it gets, whatever it says of it.
    """
    try:
        found = yaml_lines.read(text, where)
    except yaml_lines.NotYaml as error:
        return [DocumentProblem(line=error.line, path="", message=error.problem)]
    value = found.value
    if version is not None and isinstance(value, dict):
        value = value | {"version": version}
    try:
        return kind.model_validate(value, context=WRITING)
    except ValidationError as error:
        return [
            DocumentProblem(line=found.line(item["loc"]), path=".".join(map(str, item["loc"])), message=item["msg"])
            for item in error.errors(include_url=False, include_context=False)
        ]


def parse(kind: type[D], text: str, where: str) -> D:
    """Read a document from YAML (or JSON, which is YAML).

    Raises:
        PermanentError: it is not YAML or not of this kind, with the line and the path of each bad field.
    """
    found = check(kind, text, where)
    if isinstance(found, kind):
        return found
    assert isinstance(found, list)
    raise PermanentError(f"{where}: {'; '.join(map(str, found))}")


def shipped(kind: type[D], folder: Path) -> list[D]:
    """The versions that come with the service, in order; each file bears the number of its version.

    Raises:
        PermanentError: a file is not valid, or its number is not that of its version.
    """
    documents = []
    for path in sorted(folder.glob("*.yaml")):
        document = parse(kind, path.read_text("utf-8"), path.name)
        if int(path.stem) != document.version:
            raise PermanentError(f"{path.name} holds version {document.version}")
        documents.append(document)
    return documents
