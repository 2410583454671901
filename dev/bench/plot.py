"""The bench as a picture: ``python -m dev.bench.plot ingest.json ingest.png``, run in the bench's own environment."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot


def draw(document: dict[str, Any], target: Path) -> None:
    """Rates with their range, and where the processor time went."""
    named = {"ours (complete, durable)": document["ours"], "limit (durable)": document["limit"]}
    named |= {f"{name} (sum only)": found for name, found in document["peers"].items() if "events_per_s" in found}
    for key, label in (("with_kill", "ours, kill -9 at half"), ("with_agents", "ours, beside the agents")):
        if key in document:
            named[label] = document[key]
    labels, found = list(named), list(named.values())
    figure, (rates, costs) = pyplot.subplots(1, 2, figsize=(13, 0.55 * len(labels) + 2.2), sharey=True)
    values = [one["events_per_s"] for one in found]
    below = [one["events_per_s"] - one["events_per_s_min"] for one in found]
    above = [one["events_per_s_max"] - one["events_per_s"] for one in found]
    colours = ["#b3262b" if label.startswith("ours") else "#6c7a89" for label in labels]
    rates.barh(labels, values, xerr=[below, above], color=colours, capsize=3)
    rates.invert_yaxis()
    rates.set_xlabel("events per second, median of rounds with range")
    left = [0.0] * len(labels)
    for part, colour in (("python", "#3572a5"), ("postgres", "#8aa4c8"), ("broker", "#c9c9c9")):
        widths = [one[f"cpu_s_per_million_{part}"] for one in found]
        costs.barh(labels, widths, left=left, color=colour, label=part)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    costs.set_xlabel("processor seconds per million events")
    costs.legend(loc="lower right", frameon=False)
    about = document["machine"]
    figure.suptitle(
        f"{document['records']:,} records, {document['rounds']} rounds, {document['broker']}, {about['cores']} cores",
        fontsize=11,
    )
    figure.tight_layout()
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
