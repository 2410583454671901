"""The laws of the words, as functions from one file to the places that break them."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["LAWS", "OTHERS", "File", "Law", "files", "found", "repeated_classes"]

TOPS = ("shared", "services", "ops")
OTHERS = ("dev", "tests")
"""What is not shipped: its breaches may only become fewer."""
DOCS = ("docs", "README.md", "CONTRIBUTING.md", "SECURITY.md")

_PROSE = re.compile(
    r"\b(nobody|somebody|anybody|whoever|told|tells?|telling|insists?|"
    r"(take|takes|took|taken|taking) in|(look|looks|looked|looking) at|(give|gives|gave|given|giving) back|"
    r"(put|puts|putting) aside|(bring|brings|brought) over|(come|comes|came|coming) to(?! (be|terms))|"
    r"(stand|stands|stood|standing) under)\b",
    re.IGNORECASE,
)
_RIDDLE = re.compile(r"^(What|Who|Whoever|Nobody|Somebody)\b")
_WORDS_OF_NAMES = frozenset(
    ["told", "tell", "tells", "telling", "insist", "offend", "offends", "nobody", "somebody", "whoever", "manner"]
)
_NAMES = frozenset(
    [
        "set_within",
        "leave_start_alone",
        "end_for_certain",
        "Witness",
        "flushes",
        "same_plans",
        "OwnersElsewhere",
        "ask_if_there",
        "take_in",
        "put_aside",
        "give_back",
        "look_at",
    ]
)
_LOG_EVENT = re.compile(r"^[a-z_]+(\.[a-z_]+)+$")
_LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_BASES = {"Input": "In", "Output": "Out", "GivenOnce": "Out", "Page": "Out"}
_HANDLES = {"Database": "db", "Db": "db", "ReportDb": "db", "Tx": "tx"}


@dataclass(frozen=True)
class File:
    """One file of the tree; `path` is relative to its root."""

    root: Path
    path: Path

    @cached_property
    def text(self) -> str:
        return (self.root / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text if self.path.suffix == ".py" else "", filename=str(self.path))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, walked once for all laws."""
        return list(ast.walk(self.tree))

    @cached_property
    def classes(self) -> list[str]:
        """Names of the classes that the file defines."""
        return [node.name for node in self.nodes if isinstance(node, ast.ClassDef)]

    @cached_property
    def breaches(self) -> dict["Law", list["Breach"]]:
        """The file's breaches of each law; its tree is dropped then, as hundreds of trees slow the interpreter."""
        found = {law: list(law(self)) for law in LAWS}
        assert self.classes is not None
        for name in ("tree", "nodes", "comments", "strings", "docstrings"):
            self.__dict__.pop(name, None)
        return found

    @property
    def area(self) -> str:
        """`services/points`, `shared`, `docs`."""
        parts = self.path.parts
        return "/".join(parts[:2]) if parts[0] == "services" else parts[0]

    @cached_property
    def docstrings(self) -> list[tuple[int, str]]:
        """Line and text of each docstring, of modules, classes and functions."""
        owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        return [
            (node.body[0].lineno, text)
            for node in self.nodes
            if isinstance(node, owners) and node.body and (text := ast.get_docstring(node))
        ]

    @cached_property
    def comments(self) -> list[tuple[int, str]]:
        """Line and text of each comment in SQL, and in Python files that have one that may break a law."""
        if self.path.suffix == ".sql":
            lines = enumerate(self.text.splitlines(), 1)
            return [(number, line.partition("--")[2].strip()) for number, line in lines if "--" in line]
        if self.path.suffix != ".py" or not any(_PROSE.search(line) for line in self.text.splitlines() if "#" in line):
            return []  # no law asks for any other comment, and reading a file's tokens takes as long as parsing it
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(token.start[0], token.string.lstrip("# ")) for token in tokens if token.type == tokenize.COMMENT]

    @cached_property
    def strings(self) -> list[tuple[int, str]]:
        """Line and text of each string of several words, docstrings included."""
        return [
            (node.lineno, node.value)
            for node in self.nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
        ]


Breach = tuple[int, str]
Law = Callable[[File], Iterator[Breach]]


def prose_uses_verbs_of_the_field(file: File) -> Iterator[Breach]:
    """Comments, docstrings, messages and documents name things and use the verbs of the field."""
    document = enumerate(file.text.splitlines(), 1) if file.path.suffix == ".md" else ()
    texts = [*document, *file.comments, *file.strings]
    for line, text in texts:
        for match in _PROSE.finditer(text):
            yield line, match.group(0)


def docstrings_begin_with_a_sentence(file: File) -> Iterator[Breach]:
    """The first line of a docstring is one sentence, no riddle."""
    for line, text in file.docstrings:
        first = text.splitlines()[0]
        if _RIDDLE.match(first) or not first.endswith("."):
            yield line, first


def _names(file: File) -> Iterator[tuple[int, str]]:
    for node in file.nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def names_are_plain(file: File) -> Iterator[Breach]:
    """Classes, functions, arguments and variables have names that a newcomer can look up."""
    for line, name in _names(file):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
        if name.lstrip("_") in _NAMES or name in _NAMES or _WORDS_OF_NAMES.intersection(words):
            yield line, name


def log_events_are_noun_and_verb(file: File) -> Iterator[Breach]:
    """The first argument of a log call is a literal such as `outbox.sent`."""
    for node in file.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr not in _LOG_METHODS or getattr(node.func.value, "id", "") not in ("log", "_log"):
            continue
        event = node.args[0] if node.args else None
        if not isinstance(event, ast.Constant) or not _LOG_EVENT.match(str(event.value)):
            yield node.lineno, ast.unparse(event) if event else "no event"


def bodies_end_in_in_and_out(file: File) -> Iterator[Breach]:
    """A model of a request body ends in `In`, one of an answer in `Out`."""
    endings = dict(_BASES)
    for node in file.nodes:
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            ending = next((endings[base] for base in bases if base in endings), None)
            if ending and node.name not in _BASES:
                endings[node.name] = ending
                if not node.name.endswith(ending):
                    yield node.lineno, node.name


def handles_have_one_name(file: File) -> Iterator[Breach]:
    """A database handle is `db`, a transaction `tx`, or ends in it where there are several."""
    for node in file.nodes:
        if isinstance(node, ast.arg) and node.annotation is not None:
            line, name, annotation = node.lineno, node.arg, node.annotation
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            line, name, annotation = node.lineno, node.target.id, node.annotation
        else:
            continue
        handle = _HANDLES.get(ast.unparse(annotation).strip("'\"").removesuffix(" | None"))
        if handle and name != handle and not name.endswith(f"_{handle}"):
            yield line, name


LAWS: list[Law] = [
    prose_uses_verbs_of_the_field,
    docstrings_begin_with_a_sentence,
    names_are_plain,
    log_events_are_noun_and_verb,
    bodies_end_in_in_and_out,
    handles_have_one_name,
]


def files(root: Path, tops: Sequence[str] = TOPS) -> list[File]:
    """Every Python and SQL file of these folders and every document; migrations are never edited."""
    code = [path for top in tops for ending in ("*.py", "*.sql") for path in sorted((root / top).rglob(ending))]
    docs = [
        path for top in DOCS for path in ([root / top] if top.endswith(".md") else sorted((root / top).rglob("*.md")))
    ]
    return [
        File(root, path.relative_to(root))
        for path in code + docs
        if path.is_file() and path.parent.name != "migrations"
    ]


def found(sources: list[File], law: Law) -> dict[str, list[str]]:
    """Every breach of a law, as `path:line: words`, by area."""
    breaches: dict[str, list[str]] = defaultdict(list)
    for file in sources:
        breaches[file.area] += [f"{file.path}:{line}: {words}" for line, words in file.breaches[law]]
    return {area: lines for area, lines in breaches.items() if lines}


def repeated_classes(sources: list[File]) -> dict[str, list[str]]:
    """Names of public classes that stand for more than one thing, with where they are defined."""
    places: dict[str, list[str]] = defaultdict(list)
    for file in sources:
        for name in file.classes:
            if not name.startswith("_"):
                places[name].append(str(file.path))
    return {name: where for name, where in places.items() if len(where) > 1}
