"""Viewers of the live stream, in a process apart: the bench's loop, which paces the ingest, reads none.

``python -m dev.bench.console.viewers URL NUMBER`` with a token in WEIGUANG_TOKEN prints ``open`` when all streams have
begun, ends with its input, and prints the bytes and chunks that came.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

__all__ = ["watching"]

PATH = "/api/operations/v1/events/stream"


@asynccontextmanager
async def watching(url: str, token: str, number: int) -> AsyncIterator[int]:
    """Keep streams open while the block runs; yields the id of the process that reads them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, url, str(number), env={**os.environ, "WEIGUANG_TOKEN": token},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if (await process.stdout.readline()).strip() != b"open":
            raise RuntimeError("the viewers could not open their streams")
        yield process.pid
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 10)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _view(session: aiohttp.ClientSession, url: str, begun: asyncio.Event, seen: list[int]) -> None:
    timeout = aiohttp.ClientTimeout(total=None)
    async with session.get(url + PATH, timeout=timeout) as answer:
        answer.raise_for_status()
        async for chunk in answer.content.iter_any():
            begun.set()
            seen[0] += len(chunk)
            seen[1] += 1


async def _main(url: str, number: int) -> None:
    headers = {"authorization": f"Bearer {os.environ['WEIGUANG_TOKEN']}"}
    seen = [0, 0]
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        begun = [asyncio.Event() for _ in range(number)]
        tasks = [asyncio.create_task(_view(session, url, one, seen)) for one in begun]
        async with asyncio.timeout(60):
            await asyncio.gather(*(one.wait() for one in begun))
        print("open", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(*seen, flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
