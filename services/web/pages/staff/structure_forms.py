"""Fields of the forms about sites, teams, themes, projects, honours, needs, organisations and trainings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.web.pages.language import N_, _, _n, listed
from services.web.pages.wording import choices_of, day, moment, word

__all__ = ["CREATES", "EDITS", "FormField", "Sight", "field_value", "label_of", "shown_value"]


@dataclass(frozen=True, slots=True)
class Sight:
    """Names by id: sites to choose from, and all sites and teams."""

    owned: tuple[tuple[str, str], ...]
    sites: Mapping[str, str]
    teams: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormField:
    """A field: its name in the API, its label, the group of its words or ``sites``, and whether it may be left out."""

    name: str
    label: str
    kind: str = "text"
    group: str = ""
    required: bool = True
    more: Mapping[str, object] = field(default_factory=dict)

    def options(self, sight: Sight) -> list[tuple[str, str]]:
        """The values to choose from."""
        found = list(sight.owned) if self.group == "sites" else choices_of(self.group) if self.group else []
        return found if self.required else [("", _("（不填）")), *found]

    def attributes(self) -> dict[str, object]:
        """The page script's attributes."""
        return {**self.more, **({} if self.required else {"data-optional": ""})}


def _select(name: str, label: str, group: str, required: bool = True) -> FormField:
    return FormField(name, label, "select", group, required)


_NAME = FormField("name", N_("名称"), more={"maxlength": 100})
_SITE = _select("site_id", N_("站点"), "sites")
_PILLAR = _select("pillar", N_("“四化”"), "pillar")
_SUMMARY = FormField("summary", N_("简介（公开）"), "textarea", required=False, more={"maxlength": 500})
_DETACHMENT = (
    _select("series", N_("“8+5”"), "series", required=False),
    FormField("department", N_("牵头部门"), required=False, more={"maxlength": 100}),
    FormField("head", N_("负责人职务（不写姓名）"), required=False, more={"maxlength": 100}),
)
_HONOUR = (
    FormField("title", N_("荣誉名称"), more={"maxlength": 200}),
    FormField("awarded_by", N_("颁发单位"), more={"maxlength": 200}),
    FormField("year", N_("年份"), "number", more={"min": 1949, "max": 2200}),
    _select("level", N_("级别"), "honour_level", required=False),
    _select("category", N_("类别"), "honour_category", required=False),
)
_TAG = (
    FormField("zh", N_("中文名称"), more={"maxlength": 50}),
    FormField("en", N_("英文名称"), more={"maxlength": 50}),
)
_DAYS = (
    FormField("starts_at", N_("开始日"), "date", more={"data-day": "start"}),
    FormField("ends_at", N_("结束日"), "date", more={"data-day": "end"}),
)
_TRAINING = (
    FormField("title", N_("培训名称"), more={"maxlength": 200}),
    _select("mode", N_("方式"), "training_mode"),
)
_NEW_DAYS = (
    FormField("starts_at", N_("新的开始日（不改就不填）"), "date", required=False, more={"data-day": "start"}),
    FormField("ends_at", N_("新的结束日（不改就不填）"), "date", required=False, more={"data-day": "end"}),
)
_ORGANISATION = (_NAME, _select("level", N_("级别"), "level"), _SITE)

CREATES: Mapping[str, tuple[FormField, ...]] = {
    "sites": (
        _select("kind", N_("类别"), "site_kind"),
        _NAME,
        _select("parent_id", N_("上级"), "sites"),
    ),
    "teams": (_select("kind", N_("类别"), "team_kind"), _NAME, _SITE, *_DETACHMENT),
    "themes": (_NAME, _PILLAR),
    "projects": (_NAME, _SITE, _PILLAR, _SUMMARY),
    "honours": _HONOUR,
    "tags": (
        FormField("tag", N_("代号（小写字母）"), more={"maxlength": 40, "pattern": "[a-z][a-z\\-]{1,38}[a-z]"}),
        *_TAG,
    ),
    "organisations": _ORGANISATION,
    "trainings": (*_TRAINING, _SITE, *_DAYS),
}
EDITS: Mapping[str, tuple[FormField, ...]] = {
    "sites": (_NAME, _select("parent_id", N_("上级"), "sites", required=False)),
    "teams": (_NAME, _SITE, *_DETACHMENT),
    "themes": (_NAME, _PILLAR),
    "projects": (_NAME, _SITE, _PILLAR, _SUMMARY),
    "honours": _HONOUR,
    "tags": _TAG,
    "organisations": _ORGANISATION,
    "trainings": (*_TRAINING, *_NEW_DAYS),
}

_LABELS: Mapping[str, str] = {
    **{one.name: one.label for fields in CREATES.values() for one in fields},
    "docked": N_("对接"),
    "leader_volunteer_id": N_("队长"),
    "tags": N_("需求标签"),
    "hours": N_("开放时间"),
    "rota": N_("值班"),
    "position": N_("地理位置"),
    "attendance": N_("参加人数"),
}


def label_of(name: str) -> str:
    """A field's label, in a history; the field itself where it has none."""
    known = _LABELS.get(name)
    return _(known) if known else name


def field_value(values: Mapping[str, Any], one: FormField) -> object:
    """The value that a field of an edit form is filled with; days stay empty, since an object keeps an instant."""
    found = values.get(one.name)
    return "" if found is None or one.kind == "date" else found


def shown_value(sight: Sight, name: str, value: object) -> str:
    """A value of an object in words; empty where there is none."""
    if value is None or value == "" or value == []:
        return ""
    if name in ("site_id", "parent_id"):
        return sight.sites.get(str(value), "")
    if name == "docked":
        return _("已对接") if value else _("未对接")
    if name == "teams":
        return _n("%(n)s 支队伍", int(str(value)))
    if name == "people":
        return _n("%(n)s 人参加", int(str(value)))
    if name in ("starts_at", "ends_at"):
        return day(str(value), year=True)
    if name.endswith("_at"):
        return moment(str(value))
    if name in _WORDED:
        return word(value, _WORDED[name])
    return listed([str(one) for one in value]) if isinstance(value, list) else str(value)


_WORDED = {
    "site_kind": "site_kind",
    "team_kind": "team_kind",
    "series": "series",
    "pillar": "pillar",
    "mode": "training_mode",
    "category": "honour_category",
}
