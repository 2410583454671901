"""How long the parts of a test run took, from the reports of its tests."""

from collections import defaultdict
from collections.abc import Iterable

__all__ = ["parts_table"]


def parts_table(reports: Iterable[tuple[str, str, float]]) -> list[str]:
    """Lines with each part's tests and seconds, the longest first; none for a run of one part.

    Args:
        reports: (node id, phase, seconds) of each phase of each test.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    tests: defaultdict[str, set[str]] = defaultdict(set)
    for nodeid, _, duration in reports:
        folders = nodeid.partition("::")[0].split("/")[1:-1]
        part = "/".join(folders[:2]) or "architecture"
        seconds[part] += duration
        tests[part].add(nodeid)
    if len(seconds) < 2:
        return []
    rows = sorted(seconds, key=lambda part: -seconds[part])
    lines = [f"{part:<28}{len(tests[part]):>7}{seconds[part]:>9.1f}" for part in rows]
    total = f"{'all':<28}{sum(map(len, tests.values())):>7}{sum(seconds.values()):>9.1f}"
    return [f"{'part':<28}{'tests':>7}{'seconds':>9}", *lines, total]
