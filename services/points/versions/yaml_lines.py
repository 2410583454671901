"""YAML as people write it, with the line of everything in it, so that a mistake can be pointed at."""

from collections.abc import Sequence
from typing import Any

import yaml

from shared.errors import PermanentError

__all__ = ["Document", "NotYaml", "read"]


class NotYaml(PermanentError):
    """A text that is no YAML, or none of the plain kind that is read here."""

    def __init__(self, where: str, line: int, problem: str) -> None:
        super().__init__(f"{where}: line {line}: {problem}")
        self.line = line
        self.problem = problem


class Document:
    """The contents of a text (``value``), with lines."""

    def __init__(self, value: Any, node: yaml.Node | None) -> None:
        self.value = value
        self._node = node

    def line(self, path: Sequence[object]) -> int:
        """The line (from 1) of the member at a path of names and places, or of the last part of it that is there."""
        node, line = self._node, 1 if self._node is None else self._node.start_mark.line + 1
        for part in path:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
                if found is None:
                    return line
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                return line
        return line


class _Loader(yaml.SafeLoader):
    """Plain YAML.

    No aliases, which would let a short text stand for a huge one, no name twice, and nothing that PostgreSQL cannot
    store (YAML's "\\0" is U+0000).
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> Any:
        node = super().compose_scalar_node(anchor)
        if "\0" in node.value:
            raise yaml.composer.ComposerError(None, None, "a text must not contain U+0000", node.start_mark)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """As ever, but what cannot be (2026-02-30) has a line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.composer.ComposerError(None, None, "a name must be plain text", key.start_mark)
            if key.value in seen:
                raise yaml.composer.ComposerError(None, None, f"{key.value!r} is said twice", key.start_mark)
            seen.add(key.value)
        return node


def read(text: str, where: str) -> Document:
    """Read one document.

    Raises:
        NotYaml: with the line.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            return Document(None if node is None else loader.construct_document(node), node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise NotYaml(where, 1 if mark is None else mark.line + 1, problem) from error
    except RecursionError as error:
        raise NotYaml(where, 1, "it is nested too deeply") from error
