"""Measure what the project promises about speed, each as a ratio or a figure from one run.

`make bench` runs this and writes reports/bench.json. Every measurement runs in a process of its
own, so that its peak memory is its own. Names on the command line limit it: `make bench NAMES=...`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGES = ROOT / "packages"
#: In the order of a run; those of a package lie in its own folder.
MEASUREMENTS = {
    "kernels": PACKAGES / "papermill-warm/bench",
    "briefs": HERE,
    "unchanged": HERE,
    "readings": HERE,
    "panels": PACKAGES / "analysis-panels/bench",
}


def main(names: list[str]) -> int:
    """Run the measurements named, or all; returns 1 when a goal is missed or one fails."""
    report = ROOT / "reports" / "bench.json"
    results = json.loads(report.read_text("utf-8")) if report.is_file() else {}
    failed = []
    for name in names or MEASUREMENTS:
        result = measured(name)
        if result is None:
            failed.append(name)
            continue
        results[name] = result
        print_result(name, result)
    report.parent.mkdir(exist_ok=True)
    aside = report.with_suffix(".new")
    aside.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", "utf-8")
    aside.replace(report)
    missed = [
        f"{name}: {row['what']}"
        for name in results
        for row in results[name]["rows"]
        if row.get("met") is False
    ]
    for line in [*missed, *(f"{name}: failed" for name in failed)]:
        print(f"goal not met: {line}")
    return int(bool(missed or failed))


def measured(name: str) -> dict | None:
    """The rows that one measurement prints as JSON on its last line, with its peak memory."""
    ended = subprocess.run(
        [sys.executable, MEASUREMENTS[name] / f"{name}.py"],
        cwd=ROOT,
        env={**os.environ, "ANALYSIS_ROOT": str(ROOT), "PYTHONPATH": os.pathsep.join(_path())},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        return None
    return json.loads(ended.stdout.strip().splitlines()[-1])


def _path() -> list[str]:
    """Where the measurements find what they share, and the packages."""
    return [str(HERE), *map(str, sorted(PACKAGES.glob("*/src")))]


def print_result(name: str, result: dict) -> None:
    """A table of one measurement."""
    print(f"\n{name} (peak memory {result['peak_megabytes']:.0f} MB)")
    for row in result["rows"]:
        goal = f"  goal {row['goal']}" if "goal" in row else ""
        mark = {True: "  met", False: "  NOT MET", None: ""}[row.get("met")]
        print(f"  {row['what']:<52} {row['value']:>10.4g} {row['unit']:<8}{goal}{mark}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
