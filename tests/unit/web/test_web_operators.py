"""What the operators' pages say: cases in a sentence, and why a move of volunteers stopped. Pure."""

from uuid import UUID

from services.points.activations.mover import Unforeseen
from services.web.pages.activations import problem_said
from services.web.pages.cases import KINDS, found_in_words


def test_a_case_is_said_in_one_sentence_with_its_numbers() -> None:
    units = {"burst": "records", "many-accounts": "people"}
    evidence = {"measured": 1000, "limit": 960}
    said = {
        kind: found_in_words({"kind": kind, "evidence": {**evidence, "unit": units.get(kind, "minutes")}})
        for kind in KINDS
    }
    assert said["long-day"] == "同一位志愿者一天记了 16 小时 40 分服务（超过 16 小时就核查）。"
    assert said["burst"] == "同一位记录人十分钟内录了 1,000 条记录（从 960 条记录起核查）。"
    assert said["many-accounts"] == "同一部手机或终端一天替 1,000 个账户签到或签退（从 960 个账户起核查）。"
    assert len(set(said.values())) == len(KINDS)


def test_why_a_move_stopped_is_said_in_chinese() -> None:
    volunteer_id = "01a213ec-b58f-7754-9bf4-8139d5ae778c"
    said = problem_said(str(Unforeseen(UUID(volunteer_id), -3, 5)))
    assert said.startswith("志愿者尾号 D5AE778C 按新规则会变动 5 分，试算时是 -3 分")
    assert problem_said("KeyError: 'x'").startswith("系统出了错")
