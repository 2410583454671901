"""Every input model of every service takes what people type through the one normalising step."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

import services
from shared.http.models import Input
from shared.typed import VolunteerNumberText

TYPED = frozenset(
    {"phone", "code", "username", "volunteer_number", "registry_number", "id_number"}
    | {"pickup_code", "drive_code", "appeal_code"}
)
PASSED_ON = "services.web."
"""The pages' own models bound what they pass on; recruitment normalises it."""


def models(base: type[Input] = Input) -> Iterator[type[Input]]:
    for model in base.__subclasses__():
        if model.__module__.startswith("services.") and not model.__module__.startswith(PASSED_ON):
            yield model
        yield from models(model)


def fields() -> list[tuple[str, Any]]:
    """Name and annotation of each field of the kinds in `TYPED`."""
    for module in pkgutil.walk_packages(services.__path__, "services."):
        if module.name.rpartition(".")[2].endswith("api"):
            import_module(module.name)
    found: list[tuple[str, Any]] = [
        (f"{model.__name__}.{name}", Annotated[(field.annotation, name, *field.metadata)])
        for model in models()
        for name, field in model.model_fields.items()
        if name in TYPED
    ]
    return sorted(found, key=lambda each: each[0])


def normalises(annotation: Any) -> bool:
    """Whether a decorated text comes out plain, or is refused for its form after it was made plain."""
    try:
        plain = TypeAdapter(annotation).validate_python("\u200b８６６ １１０\t")
    except ValidationError as error:
        return {one["type"] for one in error.errors()} <= {"typed_form"}
    return bool(plain == "866110")


@pytest.mark.parametrize(("name", "annotation"), fields(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_people_type_is_normalised(name: str, annotation: Any) -> None:
    assert normalises(annotation), f"{name}: use the type of its kind in shared.typed"


def test_there_are_such_fields_and_a_plain_text_is_noticed() -> None:
    assert len(fields()) > 15
    assert not normalises(str)
    assert normalises(VolunteerNumberText | None)
