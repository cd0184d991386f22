"""`analysis predict`: the reported value of any unit on any date, from what an origin knew."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """examples:
  analysis predict --origin 2023-12-31 --queries queries.csv --out predictions.csv
  analysis predict --origin 2025-06-30 --queries queries.csv --out predictions.csv --raw my/raw

queries.csv: geo_level, province_code, indicator, as_of
  geo_level: country, region, province_63, province_34 (the units after 1 July 2025)
  indicator: hi_coverage, si_coverage, ui_coverage
predictions.csv: the same rows, with mean, sd and the quantiles q0.01 ... q0.99 in percent
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("--origin", required=True, help="nothing dated after this day is used")
    parser.add_argument("--queries", required=True, help="CSV file with the questions")
    parser.add_argument("--out", required=True, help="CSV file to write the answers to")
    parser.add_argument("--raw", help="folder with the raw tables; data/raw when not given")


def run(options: argparse.Namespace) -> int:
    """Predict and write; the file is written whole or not at all."""
    from analysis.publish.runner_environment import pin_numbers

    pin_numbers()
    from analysis import paths
    from analysis.facts import load_raw
    from analysis.forecast import predict
    from analysis.forecast.known import known_at
    from analysis.forecast.queries import read_date, read_queries
    from analysis.readings import build_readings

    origin = read_date(options.origin, "--origin")
    queries = read_queries(Path(options.queries))
    raw = load_raw(options.raw)
    known = known_at(build_readings(raw).readings, raw, origin)
    found = predict(known, queries)
    paths.write_table(queries.join(found), options.out)
    print(f"{len(queries)} predictions from {origin:%Y-%m-%d} written to {options.out}")
    return 0
