"""The forecast model at 63, 705, 3,321 and 10,598 units of 60 months: time, memory, growth.

A provincial, a district and two communal sizes. The panels are synthetic
(`analysis_panels.synthetic`). Each size runs in a process of its own. It is fitted, with parameter
uncertainty, and every unit is predicted for the following twelve months. Growth is measured in
processor time, which other work on the machine leaves nearly as it is.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from measure import finish, row

from analysis.runs import environment
from analysis_panels.synthetic import synthetic_panel

SIZES = (63, 705, 3_321, 10_598)
MONTHS, AHEAD = 60, 12
#: What the largest panel may take.
SECONDS, MEGABYTES = 90, 2048


def one(units: int) -> dict[str, float]:
    """Fit and predict a panel; called in a process of its own."""
    from analysis_panels.fit import fit_large
    from analysis_panels.panel import panel
    from analysis_panels.predict import predict_large

    table = synthetic_panel(units, MONTHS)
    started, used = time.perf_counter(), time.process_time()
    fit = fit_large(panel(table))
    fitted = time.perf_counter() - started
    days = pd.date_range(table["as_of"].max(), periods=AHEAD + 1, freq="ME")[1:]
    answers = predict_large(fit, _queries(fit.evidence.units.codes, days))
    assert answers.notna().all().all() and len(answers) == units * AHEAD
    return {
        "fit": fitted,
        "wall": time.perf_counter() - started,
        "processor": time.process_time() - used,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "readings": len(table),
    }


def _queries(codes: tuple[str, ...], days: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "geo_level": "province_63",
            "province_code": np.repeat(codes, len(days)),
            "indicator": "hi_coverage",
            "as_of": np.tile(days, len(codes)),
        }
    )


def apart(units: int) -> dict[str, float]:
    """Measure one size in a new process."""
    ended = subprocess.run(
        [sys.executable, __file__, "--one", str(units)],
        env={**os.environ, **environment.pinned()},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(ended.stdout.strip().splitlines()[-1])


def rows_of(found: dict[int, dict[str, float]]) -> list[dict]:
    """Time and memory of each size, and how cost grows with the number of units."""
    rows = []
    for units, own in found.items():
        last = units == SIZES[-1]
        name = f"{units:,} units, {own['readings']:,.0f} readings"
        rows += [
            row(f"{name}: fit and predict", own["wall"], "s", below=SECONDS if last else None),
            row(f"{name}: fit alone", own["fit"], "s"),
            row(f"{name}: processor time", own["processor"], "s"),
            row(f"{name}: memory", own["megabytes"], "MB", below=MEGABYTES if last else None),
        ]
    if len(found) > 1:
        logs = np.log([[units, own["processor"]] for units, own in found.items()])
        growth = np.polyfit(logs[:, 0], logs[:, 1], 1)[0]
        last_step = np.diff(logs[-2:, 1])[0] / np.diff(logs[-2:, 0])[0]
        rows.append(row("cost grows as units to the power", float(growth), "", below=1.2))
        rows.append(row("the same, last step", float(last_step), "", below=1.2))
    return rows


def main() -> None:
    """The sizes may be given on the command line."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(int(sys.argv[2]))))
        return
    sizes = tuple(int(size) for size in sys.argv[1:]) or SIZES
    finish(rows_of({units: apart(units) for units in sizes}))


if __name__ == "__main__":
    main()
