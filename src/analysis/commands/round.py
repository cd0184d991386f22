"""`analysis round`: close a round, once, and score all closed rounds anew."""

from __future__ import annotations

import argparse

EXAMPLE = """examples:
  analysis round list
  analysis round close 2026
  analysis round score

A round is declared in notebooks/rounds.yml. Closing it writes rounds/NAME-vMODEL/ in the form of
the hubverse and its lines of rounds/ledger.csv; nothing of it can be changed afterwards. Scoring
reads closed rounds and data/raw alone, and writes rounds/scoreboard.csv and rounds/events.csv.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("action", choices=["list", "close", "score"], help="what to do")
    parser.add_argument("name", nargs="?", help="the round to close")


def run(options: argparse.Namespace) -> int:
    """Do it; files are written whole or not at all."""
    from analysis.runs.environment import pin_numbers

    if (options.name is None) == (options.action == "close"):
        raise ValueError("write one of: list, close NAME, score")
    pin_numbers()
    return {"list": _list, "close": lambda: _close(options.name), "score": _score}[options.action]()


def _list() -> int:
    from analysis.forecast import rounds
    from analysis.rounds import archive

    closed = set(archive.ledger()["round"])
    for one in rounds.load_rounds().values():
        due = ", ".join(f"{day:%Y-%m-%d}" for day in one.due)
        state = "closed" if archive.identifier(one) in closed else "open"
        print(f"{one.name}: origin {one.origin:%Y-%m-%d}, due {due}, {one.kind}, "
              f"model {one.model}, {state}")  # fmt: skip
    for name in sorted(closed - {archive.identifier(one) for one in rounds.load_rounds().values()}):
        print(f"{name}: closed, of another version of the model")
    return 0


def _close(name: str) -> int:
    from analysis.forecast import rounds
    from analysis.forecast.space import FAMILY
    from analysis.forecast.tables import forecast_round
    from analysis.rounds import archive
    from analysis.rounds.beside import beside

    chosen = rounds.named_round(name)

    def make() -> archive.Printed:
        known = archive.known_of(chosen)
        asked = list(FAMILY)
        if chosen.kind == "backcast":
            # In some past years the country had no target of social or unemployment insurance.
            asked = archive.with_target(chosen, known)
        without = ", ".join(name for name in FAMILY if name not in asked)
        note = f"Left out, since no nationwide target was known: {without}." if without else ""
        tables = forecast_round(known, chosen, asked)
        plain = beside(chosen, known, asked)
        return archive.Printed(tables, known, plain, archive.digests(), note)

    place = archive.close(chosen, make)
    print(f"Round {place.name} is closed: {archive.FOLDER}/{place.name}. Commit the folder and "
          f"{archive.FOLDER}/{archive.LEDGER}.")  # fmt: skip
    return 0


def _score() -> int:
    from analysis.facts import load_raw
    from analysis.rounds import archive, scoreboard

    raw = load_raw()
    found = scoreboard.score(archive.read_rounds(), archive.readings_now(raw), raw)
    for file in scoreboard.write_scores(found):
        print(f"{archive.FOLDER}/{file}")
    return 0
