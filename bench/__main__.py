"""Measure the product side by side with what it must not fall behind, and write bench/RESULTS.md: ``make bench``.

``python -m bench gate review`` measures some parts alone and prints them without writing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import (
    batches,
    evaluating,
    gate,
    in_process,
    listing,
    memory,
    over_http,
    report,
    reviewing,
    throttle,
    verifying,
    watching,
)
from bench.report import Part
from bench.stage import Stage

PARTS: dict[str, Callable[[Stage], Part]] = {
    "in-process": in_process.measure,
    "http": over_http.measure,
    "gate": gate.measure,
    "evaluate": evaluating.measure,
    "batch": batches.measure,
    "review": reviewing.measure,
    "pages": listing.measure,
    "memory": memory.measure,
    "tripwire": watching.measure,
    "trail": verifying.measure,
    "throttle": throttle.measure,
}


def main(wanted: list[str]) -> None:
    """Measure the parts that are named, or every part."""
    unknown = set(wanted) - set(PARTS)
    if unknown:
        sys.exit(f"There is no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}.")
    with tempfile.TemporaryDirectory(prefix="valhalla-bench-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user where this runs as root
        stage = Stage(Path(folder))
        try:
            parts = [PARTS[name](stage) for name in wanted or PARTS]
            told = report.told(stage, parts)
        finally:
            stage.cluster.stop()
    if wanted:
        print(told)
    else:
        report.RESULTS.write_text(told)


if __name__ == "__main__":
    main(sys.argv[1:])
