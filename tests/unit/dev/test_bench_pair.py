"""The pair's report: medians of both sides, and the median of the ratios of pairs."""

from dev.bench.pair.__main__ import report


def took(python: float, postgres: float, wal: int) -> dict[str, float]:
    return {"records": 100, "python": python, "postgres": postgres, "wal": wal}


def test_the_ratio_is_the_median_of_pairs_not_of_medians() -> None:
    pairs = [
        (took(0.010, 0.005, 1000), took(0.005, 0.005, 500)),
        (took(0.040, 0.005, 1000), took(0.020, 0.005, 500)),
        (took(0.020, 0.005, 1000), took(0.060, 0.005, 500)),
    ]
    found = {part: (round(old), round(new), round(ratio, 2)) for part, old, new, ratio in report(pairs)}
    assert found == {
        "python": (200, 200, 0.5),
        "postgres": (50, 50, 1.0),
        "both": (250, 250, 0.67),
        "wal": (10, 5, 0.5),
    }
