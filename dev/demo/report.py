"""The district's report: what the services say of the period, the audit, the measured latency."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from dev.demo.client import Client, iso
from dev.demo.district import NOTIFY, POINTS, RECRUITMENT
from dev.demo.plan import at
from dev.demo.settled import Settling
from dev.stack.supervisor import Stack
from ops.audit.model import Report

if TYPE_CHECKING:
    from dev.demo.main import Played

__all__ = ["gather", "show"]

ORDER_FIGURES = ("total", "rated", "rated_by_default", "unfulfilled", "cancelled", "on_time", "escalated")


async def gather(
    stack: Stack, played: "Played", proof: Report, memory: dict[str, int], seconds: float
) -> dict[str, Any]:
    """The report as `var/demo/report.json` holds it; the period is the plan's, from the first day to the last."""
    plan, district = played.district.plan, played.district
    settling = Settling(stack.dsn("auditor"))
    async with Client(stack.urls["gateway"]) as client:
        district.client = client
        await district.log_in()
        first, last = quote(iso(at(plan.scale.first, 0))), quote(iso(plan.finale.ends_at))
        figures = await client.get(f"{RECRUITMENT}/reports/district?from={first}&to={last}", district.operator)
        ledger = await client.get(f"{POINTS}/reports/ledger", district.operator)
        cases = await client.get(f"{POINTS}/reports/integrity", district.operator)
        messages = await client.get(f"{NOTIFY}/reports/messages", district.operator)
    version = await settling.postgres_version()
    await settling.close()
    wanted = (
        "sites",
        "teams",
        "themes",
        "activities",
        "drives",
        "volunteers",
        "residents_served",
        "coverage",
        "docking",
    )
    return {
        **{name: figures[name] for name in wanted},
        "orders": {name: figures["orders"][name] for name in ORDER_FIGURES},
        "records": figures["records"],
        "minutes": figures["minutes"],
        "appeals": figures["appeals"],
        "projects": figures["projects"],
        "honours": figures["honours"],
        "points": {
            name: ledger[name] for name in ("issued", "available", "held", "spent", "expired", "donated", "debt")
        },
        "badges": ledger["badges"],
        "redemptions": ledger["redemptions"],
        "cases": cases["cases"],
        "messages": messages,
        "audit": {"ok": proof.ok, "checks": {check.code: check.ok for check in proof.checks}},
        "latency_ms": {"p50": played.latency.percentile(0.5), "p99": played.latency.percentile(0.99)},
        "seconds": round(seconds, 1),
        "played_seconds": round(played.seconds, 1),
        "one_by_one": {
            "registrations": played.chronicle.registrations,
            "check_ins": played.chronicle.check_ins,
            "check_outs": played.chronicle.check_outs,
        },
        "told": {
            "duplicates": played.chronicle.duplicates,
            "corrected": played.chronicle.corrected,
            "voided": played.chronicle.voided,
            "restored": played.chronicle.restored,
        },
        "approvals": {
            "approved": played.chronicle.decided["approve"],
            "rejected": played.chronicle.decided["reject"],
            "undecided": played.chronicle.decided["leave"] + len(played.chronicle.waiting),
        },
        "minting": played.minted.as_json(),
        "memory_mb": round(memory["total"] / 1e6),
        "seed": plan.seed,
        "broker": stack.broker.version,
        "postgres": f"PostgreSQL {version}",
        "formulas": figures["formulas"],
    }


def _cases_said(cases: dict[str, dict[str, int]]) -> str:
    """What integrity found; the points of who was at two sites at once are held back until somebody decides."""
    held = sum(number for status, number in cases.get("two-sites", {}).items() if status != "cleared")
    return f"{json.dumps(cases) if cases else '没有发现异常'}，因“同时在两个站点”暂不计分的 {held} 件"


def _minting_table(minting: dict[str, Any]) -> Table:
    """What was tried to get points for service that never was."""
    tried, refused, waiting, points = (minting[name] for name in ("tried", "refused", "waiting", "points"))
    title = f"虚假时数尝试 {tried} 种：拒绝 {refused}，待他站审核 {waiting}，得到积分 {points}"
    table = Table(title=title, show_header=False)
    for each in minting["attempts"]:
        word = {"refused": "[green]拒绝[/]", "waiting": "[yellow]待审[/]"}.get(each["outcome"], "[red]得逞[/]")
        table.add_row(each["what"], word, each["answer"])
    return table


def show(report: dict[str, Any], played: "Played", proof: Report, memory: dict[str, int]) -> None:
    """Print it."""
    out = Console()
    table = Table(title="岭东区志愿服务 · 1月1日至3月4日", title_style="bold red", show_header=False)
    sites, teams, drives, people = (report[name] for name in ("sites", "teams", "drives", "volunteers"))
    table.add_row("阵地", f"{sites['total']}（中心 {sites['centre']}、所 {sites['institute']}、站 {sites['station']}）")
    table.add_row(
        "队伍", f"{teams['total']}（总队 {teams['corps']}、支队 {teams['detachment']}、小分队 {teams['team']}）"
    )
    table.add_row("主题 / 活动", f"{report['themes']} / {report['activities']}")
    kinds = f"广场 {drives['square']}、企业 {drives['enterprise']}、小区 {drives['compound']}"
    table.add_row("招募", f"{drives['total']} 场（{kinds}），倡议书 {report['appeals']} 份")
    table.add_row("注册志愿者（人）", str(people["registered"]))
    table.add_row("参与（人 / 人次）", f"{people['participants']} / {people['participations']}")
    table.add_row("服务群众（人次）", str(report["residents_served"]))
    table.add_row("点单 / 已评 / 默认 / 未满足 / 取消 / 按时 / 上转", " / ".join(map(str, report["orders"].values())))
    table.add_row("覆盖 区/乡街/村社", json.dumps(report["coverage"], ensure_ascii=False))
    table.add_row("队伍对接", str(report["docking"]))
    table.add_row("服务记录 / 小时", f"{report['records']} / {report['minutes'] // 60}")
    table.add_row("积分", json.dumps(report["points"]))
    table.add_row("徽章", json.dumps(report["badges"], ensure_ascii=False))
    table.add_row("兑换", json.dumps(report["redemptions"]))
    table.add_row("诚信核查", _cases_said(report["cases"]))
    table.add_row("逐个经 HTTP", json.dumps(report["one_by_one"]))
    waited = " / ".join(str(number) for number in report["approvals"].values())
    table.add_row("他站审核 通过 / 驳回 / 未决", waited)
    table.add_row("重复上传 / 更正 / 作废 / 恢复", " / ".join(str(value) for value in report["told"].values()))
    table.add_row("签退到积分", f"p50 {report['latency_ms']['p50']} ms, p99 {report['latency_ms']['p99']} ms")
    table.add_row("用时", f"{report['seconds']} s（其中启动 {report['seconds'] - report['played_seconds']:.1f} s）")
    table.add_row("内存", f"{report['memory_mb']} MB（PSS）")
    table.add_row("运行于", f"{report['broker']}; {report['postgres']}")
    out.print(table)
    out.print(_minting_table(report["minting"]))
    audit = Table(title="审计 A1–A8", show_header=False)
    for check in proof.checks:
        audit.add_row(check.code, "[green]通过[/]" if check.ok else "[red]违反[/]", check.title)
    out.print(audit)
    out.print("[bold]make run[/] 启动同样的服务与页面（http://127.0.0.1:8000/），小街区数据随即载入。")
