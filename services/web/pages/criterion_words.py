"""Sentences that say how a badge is earned, in the language of the page: the service writes them in Chinese."""

import re
from collections.abc import Mapping

from services.web.pages.language import SOURCE, N_n, _n, current
from services.web.pages.wording import month

__all__ = ["criterion_said"]

_KNOWN = (
    N_n("累计服务满 %(n)s 小时"),
    N_n("一个自然年内服务满 %(n)s 小时"),
    N_n("完成 %(n)s 次服务"),
    N_n("一个自然年内完成 %(n)s 次服务"),
    N_n("一个自然年内%(month)s月%(day)s日至%(until)s月%(end)s日完成 %(n)s 次服务"),
    N_n("参加%(themes)s完成 %(n)s 次服务"),
    N_n("服务过 %(n)s 个不同的主题"),
    N_n("服务过 %(n)s 个不同的阵地"),
    N_n("连续 %(n)s 周都有服务"),
    N_n("团队累计完成 %(n)s 人次服务"),
    N_n("团队一个自然年内完成 %(n)s 人次服务"),
)
"""The forms in which points says a criterion (`Criterion.sentence`); one that is not here stays as it is."""
_PLACES: Mapping[str, str] = {"themes": r"(?P<themes>“.+”)"}


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", sentence)
    held = [
        _PLACES.get(part, rf"(?P<{part}>\d+)") if place % 2 else re.escape(part) for place, part in enumerate(parts)
    ]
    return re.compile("".join(held))


_PATTERNS = tuple((_pattern(sentence), sentence) for sentence in _KNOWN)


def criterion_said(text: str) -> str:
    """The sentence of a criterion in the current language."""
    if current() == SOURCE:
        return text
    for pattern, sentence in _PATTERNS:
        if found := pattern.fullmatch(text):
            values = found.groupdict()
            for name in {"month", "until"} & values.keys():
                values[name] = month(int(values[name]))
            return _n(sentence, int(values.pop("n")), **values)
    return text
