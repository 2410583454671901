"""Tables of ``docs/operations.md``: settings from their classes, metrics from the collectors.

``python -m dev.docs.reference`` writes them between their markers; a test fails when they are stale.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent

from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ops.provision import ProvisionSettings
from services.notify.settings import NotifySettings
from services.operations.settings import OperationsSettings
from services.points.settings import PointsSettings
from services.recruitment.settings import RecruitmentSettings
from services.web.settings import WebSettings
from shared.settings import Settings
from shared.telemetry import metrics

__all__ = ["PAGE", "meanings", "metrics_table", "settings_table", "written"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
_GROUPS: tuple[tuple[str, type[Settings]], ...] = (
    ("All processes", Settings),
    ("recruitment", RecruitmentSettings),
    ("points", PointsSettings),
    ("notify", NotifySettings),
    ("operations", OperationsSettings),
    ("web", WebSettings),
    ("Provisioning", ProvisionSettings),
)


def written(page: str) -> str:
    """The page with both tables as the code has them.

    Raises:
        ValueError: a pair of markers is missing.
        KeyError: a setting has no meaning.
    """
    for name, table in (("settings", settings_table()), ("metrics", metrics_table())):
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not marked.search(page):
            raise ValueError(f"the page has no markers for {name}")
        page = marked.sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", page)  # type: ignore[misc]
    return page


def settings_table() -> str:
    """Every setting with default and meaning, a table per class.

    Raises:
        KeyError: a setting has no meaning.
    """
    parts = []
    for title, settings in _GROUPS:
        rows = [_setting(settings, name, text) for name, text in meanings(settings).items() if name != "service"]
        parts.append(f"### {title}\n\n" + _table(("Variable", "Default", "Meaning"), rows))
    return "\n" + "\n".join(parts) + "\n"


def meanings(settings: type[Settings]) -> dict[str, str]:
    """Setting → the docstring after its field, of the fields that the class itself declares.

    Raises:
        KeyError: a field has no docstring.
    """
    [tree] = ast.parse(dedent(inspect.getsource(settings))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    texts = {}
    for field, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        name = field.target.id
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            texts[name] = " ".join(after.value.value.replace("``", "`").split())
        elif name != "service":
            raise KeyError(f"{settings.__name__}.{name} has no docstring")
    return texts


def _setting(settings: type[Settings], name: str, text: str) -> tuple[str, str, str]:
    return f"`WEIGUANG_{name.upper()}`", _default(settings.model_fields[name]), text


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value == "":
        return "–"
    return f"`{value}`" if isinstance(value, str | Path) else f"`{json.dumps(value)}`"


def metrics_table() -> str:
    """Every collector with its kind, labels and meaning."""
    rows = []
    for name in metrics.__all__:
        collector = getattr(metrics, name)
        if isinstance(collector, MetricWrapperBase):
            [family] = collector.describe()
            full = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in collector._labelnames) or "–"
            rows.append((f"`{full}`", family.type, labels, family.documentation))
    return "\n" + _table(("Metric", "Kind", "Labels", "Meaning"), rows) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
