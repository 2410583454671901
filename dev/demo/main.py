"""`weiguang demo`: the district's first two months through the real services; the small district of `weiguang run`."""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dev.demo.client import Client, OneTimeCodes
from dev.demo.days import Chronicle, play_day, play_prologue
from dev.demo.district import District
from dev.demo.latency import Latency, play_finale
from dev.demo.minting import Minted, Minting
from dev.demo.orders import prepare_orders
from dev.demo.places import play_places
from dev.demo.plan import FULL, PROLOGUE, SMALL, Plan, Scale, at, make_plan
from dev.demo.report import gather, show
from dev.demo.settled import Settling
from dev.demo.staff import employ
from dev.demo.structure import appoint, found_structure
from dev.demo.welcome import open_record
from dev.stack.layout import Options
from dev.stack.postgres import forget
from dev.stack.supervisor import Stack
from ops import database
from ops.audit.main import audit
from shared.postgres import TRANSIENT

__all__ = ["Played", "play", "run_demo", "seed_small"]

console = Console(stderr=True)
AFTER = timedelta(hours=3)
FOUNDED_BEFORE = timedelta(days=21)
PLANNED_BEFORE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Played:
    """A demo that ran to its end."""

    district: District
    chronicle: Chronicle
    latency: Latency
    minted: Minted
    seconds: float


async def play(
    stack: Stack,
    plan: Plan,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    at_day: Callable[[int], Awaitable[None]] | None = None,
) -> Played:
    """Play the plan on a running stack with an empty database; driven time stays at the end of the last day.

    Args:
        progress: told what is going on, and how much of how much of it is done.
        at_day: called before each day, with its number; tests kill processes there.

    Raises:
        DemoError: a service refused something, or nothing moved for two minutes.
    """
    began = time.monotonic()
    settling = Settling(stack.dsn("auditor"))
    clock = _clock(stack)
    chronicle = Chronicle(clock, settling.expired)
    async with Client(stack.urls["gateway"]) as client:
        codes = OneTimeCodes(stack.var / "messages.jsonl")
        secrets = stack.secrets
        district = District(client, codes, plan, (secrets.operator_password, secrets.second_operator_password))
        # Accounts, devices and volunteers are of some standing when the first shift begins.
        await clock(at(PROLOGUE - FOUNDED_BEFORE, 7))
        await district.log_in()
        progress("建阵地、队伍、主题，邀请各站值班员", 0, 1)
        await district.found()
        await found_structure(district)
        await employ(district)
        baseline = [person for person in plan.people if person.registry]
        progress("导入龙江志愿在册志愿者", 0, 1)
        await district.import_volunteers(baseline, "2023-12")
        await district.learn_numbers()
        await district.plan_activities(plan.prologue)
        await play_prologue(district, chronicle)
        # What was earned is applied before its expiry comes, as it was in those two years.
        await settling.points()
        # What is planned a day before its shift or later waits for another site.
        await clock(at(plan.scale.first - PLANNED_BEFORE, 6))
        await settling.expired()
        await district.open_drives()
        await district.offer_rewards()
        await district.plan_activities((*plan.activities, plan.finale))
        progress("队长、居民登录，排定点单", 0, 1)
        orders = await prepare_orders(district)
        minting = Minting(stack.urls["gateway"], district, chronicle)
        await minting.prepare()
        for number in range(len(plan.days)):
            progress(f"{plan.days[number].day:%m月%d日}", number, len(plan.days))
            if at_day is not None:
                await at_day(number)
            await play_day(district, chronicle, orders, number)
            if number == len(plan.days) - 2:
                minted = await minting.play()
        progress("雷锋主题社区揭牌，逐个签退", len(plan.days), len(plan.days))
        latency = await play_finale(district, chronicle)
        await clock(plan.finale.ends_at + AFTER)
        progress("候补、换班、取消班次、培训", 0, 1)
        await play_places(district)
        await settling.expired()
        await district.log_in()
        await appoint(district)
        await settling.everything()
        await settling.close()
    return Played(district, chronicle, latency, minted, time.monotonic() - began)


def _clock(stack: Stack) -> Callable[[datetime], Awaitable[None]]:
    dsn = stack.dsn("clock_driver")

    async def set_clock(moment: datetime) -> None:
        # PostgreSQL may be on its way back: driving time is as patient as the calls are.
        for attempt in range(200):
            try:
                await database.set_now(dsn, moment)
                return
            except TRANSIENT:
                if attempt == 199:
                    raise
                await asyncio.sleep(0.2)

    return set_clock


async def run_demo(*, seed: int = 2026, var: Path, scale: Scale = FULL) -> int:
    """Start a stack of its own, play, report, audit; 0 if everything holds."""
    home = var / "demo"
    _forget(home)
    plan = make_plan(seed, scale)
    began = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("启动数据库、消息总线与各服务", total=len(plan.days))

        def progress(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=max(total, len(plan.days)))

        async with Stack(Options(var=home)) as stack:
            played = await play(stack, plan, progress=progress)
            bars.update(task, description="核对", completed=len(plan.days))
            proof = await audit(stack.dsn("auditor"), settled=True)
            memory = stack.memory_pss()
            report = await gather(stack, played, proof, memory, time.monotonic() - began)
    (home / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", "utf-8")
    show(report, played, proof, memory)
    return 0 if proof.ok and played.minted.refuted else 1


def _forget(home: Path) -> None:
    """The demo begins with nothing, so that the same seed gives the same figures."""
    if (home / "postgres").exists():
        forget(home / "postgres")
    for child in home.iterdir() if home.exists() else ():
        if child.name == "kafka-jars":
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
    home.mkdir(parents=True, exist_ok=True)


async def seed_small(stack: Stack, seed: int = 2026) -> dict[str, Any]:
    """A small district for `make run`, and one volunteer whose record has been open for 65 minutes."""
    played = await play(stack, make_plan(seed, SMALL))
    notes = await open_record(stack, played.district)
    accounts = stack.var / "accounts.txt"
    accounts.touch(0o600)
    accounts.write_text(notes["text"], "utf-8")
    return notes
