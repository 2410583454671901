"""The services' refusals as a person reads them on the pages: by the problem's stable type, in Chinese.

The APIs answer everybody in English; only what our own pages ask for is put into Chinese here. A type without a
sentence keeps the service's own, and so do pages in English.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.web.pages.language import SOURCE, current
from services.web.pages.refusal_sentences import SENTENCES
from services.web.pages.wording import spell_minutes

__all__ = ["say", "translated"]

_FIELDS: Mapping[str, str] = {
    "name": "姓名",
    "phone": "手机号",
    "code": "验证码",
    "birth_date": "出生日期",
    "guardian_consent": "监护人同意",
    "consent": "同意",
    "username": "账号",
    "password": "密码",
    "pickup_code": "领取码",
    "site_id": "站点",
    "drive_code": "招募编号",
    "price": "积分",
    "per_quarter_limit": "每季度次数",
    "per_person_limit": "每人次数",
    "available_from": "开始日期",
    "available_until": "结束日期",
    "hold_days": "领取天数",
    "quantity": "数量",
    "counted": "盘点数",
    "points": "积分",
    "reason": "原因",
    "evidence": "凭据",
    "note": "备注",
}

_WRONG: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"Field required", "缺少这一项"),
        (r"Extra inputs are not permitted", "没有这样的项，请核对名称"),
        (r"Input should be a valid integer.*", "应是整数"),
        (r"Input should be a valid (?:string|date).*", "写法不对"),
        (r"Input should be a valid (?:tuple|list|dictionary).*|Input should be .* instance of .*", "结构不对"),
        (r"Input should be greater than or equal to (\S+)", r"不能小于 \1"),
        (r"Input should be less than or equal to (\S+)", r"不能大于 \1"),
        (r"Input should be (?!a valid|greater|less)(.+)", r"只能是 \1"),
        (r"Value error, only 'scanned'.*earn points.*", "只有 scanned、kiosk、leader 的时长能得分，补录和导入的不能"),
        (r"a text must not contain U\+0000", "文字里不能有 U+0000（空字符）"),
        (r"(?:Value error, )?a day is written as (\S+)", r"日期要写成 \1"),
    )
)
"""What is wrong with a line of a rule, of the commonest kinds; others keep the service's own sentence."""

_FEW_SECONDS = 120
_MEMBER = re.compile(r"\{(\w+)\}")


def say(type: str, detail: str, document: Mapping[str, Any] | None = None) -> str:
    """The sentence for a refusal, with the members of its document filled in; ``detail`` where there is none."""
    if detail and current() != SOURCE:
        return detail
    known = _with_wait(document or {})
    if type == "invalid-input" and isinstance(known.get("errors"), list):
        names = [_FIELDS[str(e["field"])] for e in known["errors"] if isinstance(e, dict) and e.get("field") in _FIELDS]
        if names:
            return f"“{'”、“'.join(dict.fromkeys(names))}”填写得不对，请检查后重填。"
    sentence = SENTENCES.get(type.rpartition("/")[2])
    if sentence is None:
        return detail
    if any(name not in known for name in _MEMBER.findall(sentence)):
        # without the number the sentence still says what happened
        return re.sub(r"（[^）]*\{\w+\}[^）]*）|[：，]?[^，。；：（]*\{\w+\}[^，。；：]*", "", sentence)
    return _MEMBER.sub(lambda found: str(known[found[1]]), sentence)


def _with_wait(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with ``wait``, its ``retry_after`` as people say it; seconds only where they are few."""
    seconds = document.get("retry_after")
    if not isinstance(seconds, int):
        return document
    return {**document, "wait": f"{seconds} 秒" if seconds < _FEW_SECONDS else spell_minutes(-(-seconds // 60))}


def _wrong(message: str) -> str:
    for pattern, said in _WRONG:
        if found := pattern.fullmatch(message):
            return found.expand(said)
    return message


def translated(body: bytes) -> bytes:
    """A problem document with its detail in the language of the page; anything else unchanged."""
    if current() != SOURCE:
        return body
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        return body
    document["detail"] = say(document["type"], str(document.get("detail", "")), document)
    problems = document.get("problems")
    for problem in problems if isinstance(problems, list) else ():
        if isinstance(problem, dict) and isinstance(problem.get("message"), str):
            problem["message"] = _wrong(problem["message"])
    return json.dumps(document, ensure_ascii=False).encode()
