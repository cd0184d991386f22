"""A table of the statistics office beside the covariates: matched, scaled, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.covariates import LEVELS
from analysis.facts import Fault, load_raw
from analysis.facts.schemas import columns
from analysis.intake.proposal import Proposal, _appended
from analysis.intake.provinces import codes, is_larger, key, refuse_merged
from analysis.intake.sheet import IntakeError
from analysis.intake.statistics import YEAR, numbers, read_statistics
from analysis.paths import RAW


@dataclass(frozen=True)
class Wanted:
    """What the caller says of a table.

    covariate, unit: as in covariates.csv. scale: factor from the table's unit to this one. pick:
    labels of which a cell must have each, where several claim the same province and year.
    ignore: names in the table to leave out. decimal: "point", "comma" or "" (found from the cells).
    """

    covariate: str
    unit: str
    source_id: str
    address: str
    title: str = ""
    publisher: str = "National Statistics Office of Viet Nam"
    scale: float = 1.0
    pick: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    decimal: str = ""


@dataclass(frozen=True)
class Covariate:
    """Figures read: province_code, year, value, row; and what the raw tables hold already.

    new: those that would be added. known: those whose province and year have a figure already,
    with it as `standing`; they are left as they are.
    """

    title: str
    new: pd.DataFrame
    known: pd.DataFrame
    left_out: int

    def span(self) -> str:
        """Return years and provinces of the new figures, in words."""
        if self.new.empty:
            return "nothing new"
        years = self.new["year"]
        n = self.new["province_code"].nunique()
        return f"{len(self.new)} figures, {n} provinces, {years.min()} to {years.max()}"


def read_covariate(path: Path, wanted: Wanted, raw_dir: Path | None = None) -> Covariate:
    """Read a table and set it beside the covariates.

    Raises:
        IntakeError: a name is no province, cells contradict each other, a cell is no number, or
            the unit is not the one that the covariate has.
    """
    raw = load_raw(raw_dir or RAW)
    _same_unit(raw.covariates, wanted, path.name)
    cells = read_statistics(path)
    table = _by_province(cells.table, raw.provinces, wanted, path.name)
    table["value"] = numbers(table, path.name, wanted.decimal) * wanted.scale
    left_out = int(table["value"].isna().sum())
    table = _once(table.dropna(subset=["value"]), path.name)
    refuse_merged(set(table["province_code"]), raw.provinces, set(table["year"]) | {0}, path.name)
    own = raw.covariates[raw.covariates["covariate"] == wanted.covariate]
    own = own.rename(columns={"value": "standing"})[["province_code", "year", "standing"]]
    both = table.merge(own.drop_duplicates(["province_code", "year"]), how="left")
    columns_kept = ["province_code", "year", "value", "row"]
    new = both.loc[both["standing"].isna(), columns_kept]
    known = both[both["standing"].notna()]
    order = ["province_code", "year"]
    return Covariate(
        wanted.title or cells.title or wanted.covariate,
        new.sort_values(order, ignore_index=True),
        known.sort_values(order, ignore_index=True),
        left_out,
    )


def _same_unit(covariates: pd.DataFrame, wanted: Wanted, file: str) -> None:
    units = set(covariates.loc[covariates["covariate"] == wanted.covariate, "unit"])
    if units and wanted.unit not in units:
        message = f"{wanted.covariate} is kept in {', '.join(sorted(units))}: convert with --scale"
        raise IntakeError([Fault(file, 0, "unit", wanted.unit, message)])


def _by_province(
    cells: pd.DataFrame, provinces: pd.DataFrame, wanted: Wanted, file: str
) -> pd.DataFrame:
    """Give each cell its province and year; rows of larger areas and ignored names go."""
    known, ignored = codes(provinces), {key(name) for name in wanted.ignore}
    rows: list[tuple] = []
    strange: dict[str, int] = {}
    for row, labels, text in cells.itertuples(index=False, name=None):
        if not all(any(p.lower() in label.lower() for label in labels) for p in wanted.pick):
            continue
        named = [known[key(label)] for label in labels if key(label) in known]
        years = [int(m[1]) for label in labels if (m := YEAR.search(label))]
        if named and years:
            rows.append((named[0], years[-1], row, labels, text))
        elif years and not any(is_larger(x) or key(x) in ignored for x in labels):
            strange.setdefault(labels[0], row)
    if strange:
        message = "is not one of the 63 provinces; correct it, or leave it out with --ignore"
        raise IntakeError([Fault(file, row, "", name, message) for name, row in strange.items()])
    if not rows:
        raise IntakeError([Fault(file, 0, "", "", "holds no cell with a province and a year")])
    return pd.DataFrame(rows, columns=["province_code", "year", "row", "labels", "text"])


def _once(table: pd.DataFrame, file: str) -> pd.DataFrame:
    keys = ["province_code", "year"]
    again = table[table.duplicated(keys, keep=False)]
    if again.empty:
        return table
    shown = sorted({" / ".join(labels) for labels in again["labels"]})[:6]
    message = (
        "gives several figures for one province and year; choose with --pick, such as a word of: "
        + "; ".join(shown)
    )
    raise IntakeError([Fault(file, int(again["row"].iloc[0]), "", "", message)])


def propose_covariate(
    found: Covariate, wanted: Wanted, path: Path, raw_dir: Path | None = None
) -> Proposal:
    """Set the new figures beside covariates.csv, and their source beside covariate_sources.csv.

    Raises:
        IntakeError: there is nothing new.
    """
    folder = Path(raw_dir or RAW)
    if found.new.empty:
        message = "holds nothing new: every province and year has a figure already"
        raise IntakeError([Fault(path.name, 0, "", "", message)])
    rows = found.new.assign(
        covariate=wanted.covariate,
        unit=wanted.unit,
        source_id=wanted.source_id,
        value=[_written(value) for value in found.new["value"]],
    )
    text, first = _appended(
        folder / "covariates.csv", rows[list(columns("covariates"))].astype(str)
    )
    at_home = {("covariates", first + i): int(row) for i, row in enumerate(rows["row"])}
    texts, counts = {"covariates": text}, {"covariates": len(rows), "covariate_sources": 0}
    if wanted.source_id not in set(load_raw(folder).covariate_sources["source_id"]):
        source = pd.DataFrame([_source(found, wanted, path)])[list(columns("covariate_sources"))]
        texts["covariate_sources"], line = _appended(folder / "covariate_sources.csv", source)
        at_home["covariate_sources", line] = 1  # Its title is the file's first line.
        counts["covariate_sources"] = 1
    return Proposal(folder, path.name, texts, at_home, counts)


def _written(value: float) -> str:
    return f"{round(value, 9):.9f}".rstrip("0").rstrip(".")


def _source(found: Covariate, wanted: Wanted, path: Path) -> dict[str, str]:
    note = f"Brought in from {path.name}"
    note += f", multiplied by {wanted.scale:g}." if wanted.scale != 1 else "."
    return {
        "source_id": wanted.source_id,
        "publisher": wanted.publisher,
        "table": found.title,
        "standing": "official",
        "retrieved_from": wanted.address,
        "retrieved_path": path.name,
        "note": note,
    }


def years_read(covariate: str) -> list[tuple[str, int, int]]:
    """Return what the models make of a covariate: name of the level, first and last year read."""
    return [(name, first, last) for name, (own, first, last) in LEVELS.items() if own == covariate]
