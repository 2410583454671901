"""Sentences of the pages: each stands in the catalogues, translated, and none stands beside them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from dev.docs.catalogue import PAGES, TRANSLATED, merged, missing
from services.web.pages.language.catalogue import catalogue_path, forms_of

UNCONVERTED: set[str] = set()
"""Folders and files of `PAGES` whose Chinese does not go through the catalogue yet. This list only gets shorter."""

SOURCE_ALONE = {
    "language/current.py",
    "order_sentences.py",
    "record_sentences.py",
    "refusal_sentences.py",
    "refusals.py",
}
"""What stands in Chinese alone: the language's name and comma; refusals, whose English is the services' own."""

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff01-\uff0f\uff1a-\uffef]")
MARKS = {"_", "N_", "N_n", "_n", "gettext"}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
TAG = re.compile(r"</?\w+[^>]*>")
ONE_OF_MANY = re.compile(r"(?<![\w.,])1 (?:[a-z]+ )??(people|[a-z]+s)\b")
NO_PLURALS = {
    "afterwards",
    "as",
    "corps",
    "does",
    "earns",
    "has",
    "is",
    "its",
    "ms",
    "passes",
    "redeems",
    "reviews",
    "stays",
}
NO_PLURALS |= {"waits", "wants", "was"}
"""What ends like a plural behind a number, or behind a name, and is none."""


def _in_python(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    exempt: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            exempt.update(node.args)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            exempt.add(node.value)  # a docstring
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = "" if node in exempt else node.value
            yield from [f"{node.lineno}: {text}"] if CHINESE.search(text) else []


def _in_template(source: str) -> Iterator[str]:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    tree = environment.parse(source)
    exempt: set[int] = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in MARKS:
            exempt.update(id(argument) for argument in call.args)
    for data in tree.find_all(nodes.TemplateData):
        for offset, line in enumerate(data.data.split("\n")):
            if CHINESE.search(line):
                yield f"{data.lineno + offset}: {line.strip()}"
    for constant in tree.find_all(nodes.Const):
        if id(constant) not in exempt and CHINESE.search(str(constant.value)):
            yield f"{constant.lineno}: {constant.value}"


def _in_script(source: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), 1):
        for found in re.finditer(r"(\b_n?\()?(\"[^\"]*\"|'[^']*'|`[^`]*`)", line.partition("// ")[0]):
            if CHINESE.search(found[2]) and not found[1]:
                yield f"{number}: {found[2]}"


def _plurals_of_one(said: str) -> list[str]:
    return [noun for noun in ONE_OF_MANY.findall(said) if noun not in NO_PLURALS]


def outside(path: Path) -> list[str]:
    """Chinese in a file that does not go through the catalogue, as 'line: text'."""
    find = {".py": _in_python, ".html": _in_template, ".js": _in_script}[path.suffix]
    return list(find(path.read_text("utf-8")))


def _files() -> list[Path]:
    return sorted(path for suffix in (".py", ".html", ".js") for path in PAGES.rglob(f"*{suffix}"))


def _owner(path: Path) -> str | None:
    """The entry of `UNCONVERTED` that a file lies under."""
    name = path.relative_to(PAGES).as_posix()
    return next((entry for entry in UNCONVERTED if name == entry or name.startswith(f"{entry}/")), None)


def test_chinese_on_the_pages_goes_through_the_catalogue() -> None:
    found = [
        f"{path.relative_to(PAGES)}:{place}"
        for path in _files()
        if _owner(path) is None and path.relative_to(PAGES).as_posix() not in SOURCE_ALONE
        for place in outside(path)
    ]
    assert found == [], "write _('…'), {% trans %} or N_('…'): docs/extending.md, A sentence"


def test_what_is_not_converted_yet_still_needs_it() -> None:
    needing = {owner for path in _files() if (owner := _owner(path)) and outside(path)}
    assert needing == UNCONVERTED, "take what is converted off the list"


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("a.py", '"""积分"""\nA = {"a": N_("积分")}\nB = _("积分") + f"{A} 分"\n', ["3:  分"]),
        ("a.py", 'def f() -> str:\n    """积分。"""\n    return "积分"\n', ["3: 积分"]),
        ("a.html", "{# 积分 #}<p>{{ _('积分') }}{% trans %}积分{% endtrans %}</p>\n<p>积分</p>", ["2: 积分"]),
        ("a.html", "{{ _n('%(n)s 条', 3) }}{{ x | replace('a', '微信') }}", ["1: 微信"]),
        ("a.html", '<b title="积分">{{ x or "没有" }}</b>', ["1: 积分", "1: 没有"]),
        ("a.js", '// 积分\nvar a = _("积分"), b = _n("条", 1), c = "没有";', ['2: "没有"']),
    ],
)
def test_chinese_beside_the_catalogue_is_found(tmp_path: Path, name: str, source: str, found: list[str]) -> None:
    path = tmp_path / name
    path.write_text(source, "utf-8")
    places = outside(path)
    assert len(places) == len(found)
    for place, expected in zip(places, found, strict=True):
        line, text = expected.split(": ", 1)
        assert place.startswith(f"{line}: ")
        assert text in place


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_holds_the_sentences_of_the_pages(language: str) -> None:
    present = catalogue_path(language).read_text("utf-8")
    assert present == merged(language), "run python -m dev.docs.catalogue"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated(language: str) -> None:
    assert missing(language) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_fills_in_what_its_sentence_does_and_breaks_no_markup(language: str) -> None:
    with catalogue_path(language).open("rb") as file:
        found = read_po(file, locale=language)
    for message in found:
        sentence, forms = forms_of(message)
        for said in forms if sentence else ():
            assert set(PLACEHOLDER.findall(said)) <= set(PLACEHOLDER.findall(sentence)), said
            assert "%" not in PLACEHOLDER.sub("", said).replace("%%", ""), said
            assert '"' not in TAG.sub("", said), f"sentences stand in attributes: write “…”: {said}"
            assert sorted(TAG.findall(said)) == sorted(TAG.findall(sentence)), said
            assert not CHINESE.search(said), said


@pytest.mark.parametrize("language", TRANSLATED)
def test_one_of_a_thing_is_said_in_the_singular(language: str) -> None:
    with catalogue_path(language).open("rb") as file:
        found = read_po(file, locale=language)
    with_one = [PLACEHOLDER.sub("1", TAG.sub("", said[0])) for _sentence, said in map(forms_of, found)]
    assert [said for said in with_one if _plurals_of_one(said)] == [], (
        "say it by _n(…), or for any number: “Records: 1”"
    )


@pytest.mark.parametrize(
    ("said", "plurals"),
    [
        ("1 points was 1 confirmed records", ["points", "records"]),
        ("of 1 people", ["people"]),
        ("1 point, 1 was passed on", []),
        ("11 points, 2.1 points, 1,001 points", []),
    ],
)
def test_a_plural_behind_one_is_found(said: str, plurals: list[str]) -> None:
    assert _plurals_of_one(said) == plurals
