"""A table of the statistics office beside the covariates: matched, scaled, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.country.names import codes_by_key
from analysis.facts import Fault, load_raw
from analysis.facts.plausible import FARTHEST_COVARIATE, WHOLE_UNITS
from analysis.facts.tables import columns
from analysis.intake.choice import Understood, choose, numbers, understand
from analysis.intake.proposal import Proposal, _appended
from analysis.intake.provinces import place
from analysis.intake.shape import read_shape
from analysis.intake.sheet import IntakeError
from analysis.paths import RAW
from analysis.readings.covariates import FIXED_LEVELS


@dataclass(frozen=True)
class Wanted:
    """What the caller says of a table.

    covariate, unit: as in covariates.csv. scale: factor from the table's unit to this one, None
    where the caller gives none. pick: labels of which a cell must have each, where several claim
    the same province and year. ignore: names in the table to leave out. decimal: "point", "comma"
    or "" (found from the cells). year: the level that holds the years, or the year of all figures
    where the table names none. part: sheet or data set. areas: "63" where the caller vouches that
    the areas are those of the 63 provinces. marks: "read" takes figures without their marks.
    """

    covariate: str
    unit: str
    source_id: str
    address: str
    title: str = ""
    publisher: str = "National Statistics Office of Viet Nam"
    scale: float | None = None
    pick: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    decimal: str = ""
    year: str = ""
    part: str = ""
    areas: str = ""
    marks: str = ""

    def factor(self) -> float:
        """Return the factor from the table's unit, 1 where none was given."""
        return 1.0 if self.scale is None else self.scale


@dataclass(frozen=True)
class Covariate:
    """Figures read: province_code, year, value, row; and what the raw tables hold already.

    new: those that would be added, each with the figure of the nearest year that stands for its
    province as `near` (missing where none does) and that year as `near_year`. known: those whose
    province and year have a figure already, with it as `standing`; they are left as they are.
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


def read_table(path: Path, wanted: Wanted, raw_dir: Path | None = None) -> Understood:
    """Read a table and find what its labels mean; nothing is taken yet.

    Raises:
        IntakeError: the unit is not the one that the covariate has, or the file holds no table by
            provinces.
    """
    raw = load_raw(raw_dir or RAW)
    _same_unit(raw.covariates, wanted, path.name)
    known = codes_by_key(raw.provinces)
    shape = read_shape(path, lambda label: place(label, known), wanted.part, wanted.year)
    return understand(shape, wanted, raw.provinces)


def take(found: Understood, wanted: Wanted, raw_dir: Path | None = None) -> Covariate:
    """Take the figures that are meant and set them beside the covariates.

    Raises:
        IntakeError: a name is no province, several figures claim one province and year, a cell is
            no number, or the unit in the file and the scale do not fit.
    """
    file = found.shape.file
    table = choose(found, wanted)
    _unit_fits(found, table, wanted)
    percent = wanted.unit.startswith("percent")
    table = table.assign(
        value=numbers(table, found.cells, file, wanted.decimal, wanted.marks == "read", percent)
        * wanted.factor()
    )
    left_out = int(table["value"].isna().sum())
    table = table.dropna(subset=["value"])
    raw = load_raw(raw_dir or RAW)
    own = raw.covariates[raw.covariates["covariate"] == wanted.covariate]
    own = own.rename(columns={"value": "standing"})[["province_code", "year", "standing"]]
    both = table.merge(own.drop_duplicates(["province_code", "year"]), how="left")
    columns_kept = ["province_code", "year", "value", "row", "place", "text"]
    new = _with_nearest(both.loc[both["standing"].isna(), columns_kept], own)
    known = both[both["standing"].notna()]
    order = ["province_code", "year"]
    return Covariate(
        wanted.title or " ".join(found.shape.title.split()) or wanted.covariate,
        new.sort_values(order, ignore_index=True),
        known.sort_values(order, ignore_index=True),
        left_out,
    )


def _with_nearest(new: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """New figures with `near` and `near_year`; see `Covariate`."""
    standing = own.rename(columns={"standing": "near", "year": "near_year"})
    standing = standing[standing["province_code"].isin(new["province_code"])]
    both = new.reset_index(names="at").merge(standing, on="province_code", how="left")
    both["apart"] = (both["year"] - both["near_year"]).abs()
    both = both.sort_values(["apart", "near_year"]).drop_duplicates("at").sort_values("at")
    return both.drop(columns=["at", "apart"]).set_axis(new.index)


def _in_another_unit(new: pd.DataFrame, wanted: Wanted, file: str) -> list[Fault]:
    """Counts that no year of the province comes near: another unit, a slip, or a blank as 0."""
    if wanted.unit not in WHOLE_UNITS:
        return []
    ratio = new["value"] / new["near"].where(new["near"] > 0)
    wrong = new[(ratio > FARTHEST_COVARIATE) | (ratio < 1 / FARTHEST_COVARIATE)]
    return [
        Fault(file, int(row["row"]), "value", str(row["text"]),
              f"{row['place']}: {_written(row['value'])} {wanted.unit} in {row['year']}, where "
              f"{_written(row['near'])} stand for {row['near_year']:.0f}; "
              + ("leave the cell empty where nothing is known" if row["value"] == 0
                 else "check --scale, separators and the order of the rows"))
        for row in wrong.to_dict("records")
    ]  # fmt: skip


#: Counts that change by less from a year to the next pass without a word.
USUAL_CHANGE = 1.5
#: So far may the middle of all changes lie from none before the whole table is questioned.
USUAL_SHIFT = 1.25


def remarks(found: Covariate, wanted: Wanted, this_year: int) -> list[str]:
    """Sentences for the one who decides: what is far from the years that stand, or yet to come."""
    new, told = found.new, []
    if later := sorted(set(new.loc[new["year"] > this_year, "year"])):
        years = ", ".join(map(str, later))
        told.append(f"Yet to come: {years}. A projection, or a slip in the year?")
    if wanted.unit not in WHOLE_UNITS:
        return told
    ratio = (new["value"] / new["near"].where(new["near"] > 0)).dropna()
    if len(ratio) and not 1 / USUAL_SHIFT < (middle := ratio.median()) < USUAL_SHIFT:
        return [
            *told,
            f"Most figures are about {middle:.2f} times those of the nearest year that stands: "
            "another part of the people (women, towns), another unit or definition?",
        ]
    far = new.loc[ratio.index[(ratio > USUAL_CHANGE) | (ratio < 1 / USUAL_CHANGE)]]
    told += [
        f"Look at this again: {row['place']}, {row['year']}: {_written(row['value'])}; "
        f"{row['near_year']:.0f} has {_written(row['near'])}."
        for row in far.head(12).to_dict("records")
    ]
    return told + [f"... and {len(far) - 12} more"] * (len(far) > 12)


_THOUSANDS = re.compile(
    r"nghìn|ngàn|thousand|thous\.|(?<!per )(?<!trên )\b1[.,]?000\b", re.IGNORECASE
)
_MILLIONS = re.compile(r"triệu|million", re.IGNORECASE)
_BILLIONS = re.compile(r"\bt[ỷỉ] (?!lệ|suất|số|trọng)|billion", re.IGNORECASE)
_PERCENT = re.compile(r"%|phần trăm|percent", re.IGNORECASE)


def _factors(text: str) -> list[int]:
    """What the words of a unit multiply by; several where they speak of several."""
    signs = ((_THOUSANDS, 1_000), (_MILLIONS, 1_000_000), (_BILLIONS, 1_000_000_000))
    return [factor for sign, factor in signs if sign.search(text)]


def _unit_fits(found: Understood, table: pd.DataFrame, wanted: Wanted) -> None:
    """Ask where the file says thousands or percent, the unit does not, and nothing decides it.

    What is said of the chosen figures themselves goes before what heads the whole table.
    """
    shape = found.shape
    labels = [label for i in found.choice_levels for label in found.labels(i, table)]
    own = [f"{label} {shape.units.get(label, '')}".strip() for label in labels]
    said = [text for text in own if _factors(text) or _PERCENT.search(text)]
    whole = f"{shape.unit} {shape.title}".strip()
    told = "; ".join(said) or whole
    percent = wanted.unit.startswith("percent")
    in_percent, factors = _PERCENT.search(told), _factors(told)
    stated = said or _PERCENT.search(shape.unit)
    message = ""
    if wanted.scale == 1:
        return
    if stated and in_percent and not factors and not re.search("percent|per mille|%", wanted.unit):
        message = "choose others, say --unit percent, or --scale 1 where they are in "
        message += f"{wanted.unit} all the same"
    elif percent and factors and not in_percent:
        message = "choose others, say --unit, or --scale 1 where they are in percent already"
    elif wanted.scale is None and not percent and not set(factors) & set(_factors(wanted.unit)):
        per = max(_factors(wanted.unit), default=1)
        ways = " or ".join(f"--scale {factor / per:.9g}" for factor in factors if factor != per)
        message = (
            f"say {ways}, or --scale 1 where they are in {wanted.unit} already" if ways else ""
        )
    if message:
        message = f"the file speaks of {told[:80]!r} for the figures chosen: {message}"
        raise IntakeError([Fault(shape.file, 0, "unit", wanted.unit, message)])


def _same_unit(covariates: pd.DataFrame, wanted: Wanted, file: str) -> None:
    units = set(covariates.loc[covariates["covariate"] == wanted.covariate, "unit"])
    if units and wanted.unit not in units:
        message = f"{wanted.covariate} is kept in {', '.join(sorted(units))}: convert with --scale"
        raise IntakeError([Fault(file, 0, "unit", wanted.unit, message)])


def propose_covariate(
    found: Covariate, wanted: Wanted, path: Path, raw_dir: Path | None = None
) -> Proposal:
    """Set the new figures beside covariates.csv, and their source beside covariate_sources.csv.

    Raises:
        IntakeError: there is nothing new, or a count is far from what stands for its province.
    """
    folder = Path(raw_dir or RAW)
    if found.new.empty:
        message = "holds nothing new: every province and year has a figure already"
        if found.known.empty:
            message = "holds no figure of a province: every cell in their rows is empty"
        raise IntakeError([Fault(path.name, 0, "", "", message)])
    if wrong := _in_another_unit(found.new, wanted, path.name):
        raise IntakeError(wrong)
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
    note += f", multiplied by {wanted.factor():g}." if wanted.factor() != 1 else "."
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
    return [
        (name, first, last) for name, (own, first, last) in FIXED_LEVELS.items() if own == covariate
    ]
