"""Turn a province's own spreadsheet of districts or communes into tables that the commands read.

    python examples/districts_from_spreadsheet.py examples/districts/office.xlsx my_province \
        --published 2025-01-15 --targets "set in 2023, Plan 45 of the provincial committee"

The sheet is of the usual shape: one row a district, a row for the whole, dates or targets in one
heading row and indicators below them or beside them (BHYT, BHXH, BHTN; or health, social and
unemployment insurance), population in a column of its own. Everything that is taken and everything
that is left out is printed. FOLDER gets raw/, the tables, and queries.csv, one question a district,
indicator and target; nothing is written where the sheet is not understood.
"""

import argparse
import re
import sys
import tempfile
import unicodedata
from pathlib import Path

import pandas as pd

from analysis.facts import Fault, check
from analysis.facts.tables import columns
from analysis.intake.choice import numbers
from analysis.intake.provinces import LARGER, key
from analysis.intake.shape import Shape, read_shape
from analysis.intake.sheet import IntakeError
from analysis.intake.statistics import Grid, read_file
from analysis.paths import write_table

HEADED = re.compile(
    r"huyện|quận|thị xã|xã|phường|địa phương|đơn vị hành chính|district|commune", re.I
)
WHOLE = re.compile(
    r"(toan tinh|toan thanh pho|tong( so| cong)?|cong|(the )?whole( province)?|total)"
)
TARGET = re.compile(r"chỉ tiêu|mục tiêu|kế hoạch|target|plan", re.I)
PERSONS = re.compile(r"dân số|population", re.I)
#: In this order: the first that a heading names.
INDICATORS = {
    "hi_coverage": re.compile(r"BHYT|bảo hiểm y tế|health", re.I),
    "ui_coverage": re.compile(r"BHTN|thất nghiệp|unemployment", re.I),
    "si_coverage": re.compile(r"BHXH|bảo hiểm xã hội|social", re.I),
}
#: Not the coverage of the population, whatever else the heading says.
OTHER = re.compile(
    r"tự nguyện|voluntary|bắt buộc|compulsory|số người|persons|nợ|chậm đóng|thu\b", re.I
)
SOURCE = "OWN1"


def refuse(file: str, message: str, row: int = 0, value: str = "") -> IntakeError:
    """Return an error that names the place."""
    return IntakeError([Fault(file, row, "", value, message)])


def districts(path: Path, part: str) -> list[str]:
    """Return the names below the heading that says district, commune, huyện, xã ..."""
    grid = read_file(path, part, lambda text: bool(HEADED.search(text)))
    if not isinstance(grid, Grid):
        raise refuse(path.name, "is no sheet; save it as .xlsx or CSV")
    places = [
        (i, c) for i, (_, row) in enumerate(grid.rows) for c, cell in enumerate(row)
        if HEADED.search(cell) and len(cell) < 60 and sum(map(bool, row)) > 1
    ]  # fmt: skip
    if not places:
        raise refuse(path.name, "has no heading such as 'Huyện' or 'District' above the names")
    head, column = places[0]
    below = [row for _, row in grid.rows[head + 1 :]]
    names = [row[column].strip() for row in below if sum(map(bool, row)) > 1 and row[column]]
    names = [name for name in names if re.search(r"[^\W\d]{2}", name) and not is_whole(name)]
    double = sorted({name for name in names if names.count(name) > 1})
    if double or len(names) < 2:
        raise refuse(path.name, f"{double or names}: each district once, and two at least")
    return names


def is_whole(name: str) -> bool:
    """Tell whether a name is that of the whole province."""
    plain = " ".join(re.findall(r"[a-z]+", english(name.lower())))
    return bool(WHOLE.fullmatch(plain))


def english(name: str) -> str:
    """Return a name without Vietnamese letters, as English texts write it."""
    bare = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    return "".join(sign for sign in bare if not unicodedata.combining(sign))


def figures(shape: Shape, names: list[str], decimal: str) -> pd.DataFrame:
    """Return code, what (an indicator or persons), kind, as_of, value; the rest is printed."""
    codes = {name: f"D{i:03d}" for i, name in enumerate(names, start=1)}
    rows, left = [], {}
    for place, labels, row in zip(shape.cells["place"], shape.cells["labels"],
                                  shape.cells.index, strict=True):  # fmt: skip
        name = next((label for label in labels if label in codes or is_whole(label)), "")
        heading = " / ".join(
            label for label, level in zip(labels, shape.levels, strict=True)
            if label and level.name.startswith("heading")
        )  # fmt: skip
        what = next((k for k, pattern in INDICATORS.items() if pattern.search(heading)), "")
        what = "persons" if PERSONS.search(heading) else "" if OTHER.search(heading) else what
        day = as_of(heading)
        if not name or not what or not day:
            left.setdefault(heading or "no heading", place)
            continue
        kind = "target" if TARGET.search(heading) else "actual"
        rows.append((codes.get(name, "00"), what, kind, day, row))
    for heading, place in left.items():
        print(f"Left out: {heading} (from {place})")
    if not rows:
        raise refuse(shape.file, "no heading names an indicator and a date, such as BHYT 2024")
    table = pd.DataFrame(rows, columns=["code", "what", "kind", "as_of", "at"])
    cells = shape.cells.loc[table["at"]]
    table["value"] = numbers(cells, shape.cells, shape.file, decimal, percent=True).to_numpy()
    table["place"] = cells["place"].to_numpy()
    again = table[table.duplicated(["code", "what", "kind", "as_of"], keep=False)]
    if len(again):
        where = " and ".join(again["place"].head(2))
        raise refuse(shape.file, f"{where} give the same figure twice; head them apart")
    rates = table[table["what"] != "persons"]
    wrong = rates[~rates["value"].between(0, 110) & rates["value"].notna()]
    if len(wrong):
        raise refuse(shape.file, f"{wrong['place'].iloc[0]} is no percentage")
    if rates["value"].max() <= 1.1:
        raise refuse(shape.file, "gives rates as shares of 1; write percent (92.5)")
    return table.dropna(subset=["value"])


def as_of(heading: str) -> str:
    """Return the day of a heading: a date, the end of a month, or the end of a year; or ""."""
    if found := re.search(r"(?<!\d)(\d{1,2})[/.-](\d{1,2})[/.-](20\d\d)(?!\d)", heading):
        return f"{found[3]}-{int(found[2]):02d}-{int(found[1]):02d}"
    if found := re.search(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)", heading):
        return found[0]
    years = set(re.findall(r"(?<!\d)20\d\d(?!\d)", heading))
    return f"{years.pop()}-12-31" if len(years) == 1 else ""


def tables(found: pd.DataFrame, names: list[str], said: argparse.Namespace, title: str) -> dict:
    """Return the tables of data/raw; the whole province stands where the country does."""
    codes = [f"D{i:03d}" for i in range(1, len(names) + 1)]
    persons = found[(found["what"] == "persons") & (found["code"] != "00")]
    missing = sorted(set(codes) - set(persons["code"]))
    if missing:
        name = names[codes.index(missing[0])]
        raise refuse(said.file.name, f"{name}: no population; head its column 'Dân số 2024'")
    own = pd.DataFrame({
        "province_code": codes, "name_en": [english(name) for name in names],
        "name_vi": names, "region": said.region,
        "tile_row": [i // 5 for i in range(len(codes))],
        "tile_col": [i % 5 for i in range(len(codes))],
    })  # fmt: skip
    for part in ("code", "name_en", "name_vi", "tile_row", "tile_col"):
        own[f"merged_{part}"] = own["province_code" if part == "code" else part]
    people = pd.DataFrame({
        "province_code": persons["code"], "year": persons["as_of"].str[:4],
        "revision": "post_2019_census", "persons": persons["value"].round().astype(int),
        "source_id": SOURCE,
    })  # fmt: skip
    rates = found[found["what"] != "persons"]
    target = rates["kind"] == "target"
    called = dict(zip(codes, own["name_en"], strict=True))
    facts = pd.DataFrame({
        "geo_level": rates["code"].map(lambda code: "country" if code == "00" else "province_63"),
        "province_code": rates["code"],
        "province": rates["code"].map(called).fillna("Viet Nam"),
        "indicator": rates["what"], "basis": "", "value": rates["value"], "unit": "percent",
        "qualifier": "exact", "kind": rates["kind"], "as_of": rates["as_of"], "denominator": "",
        "source_id": SOURCE, "transcriptions": 1,
        "setter": target.map({True: "province", False: ""}),
        "announced": target.map({True: said.published, False: ""}),
        "standing": "", "doubt": "", "versus": "",
        "note": target.map({True: said.targets, False: "own spreadsheet"}),
    })  # fmt: skip
    last = people.sort_values("year").groupby("province_code")["persons"].last()
    year = people["year"].max()
    share = (100 * last / last.sum()).round(4)
    covariates = pd.DataFrame({
        "province_code": share.index, "year": year, "covariate": "population_share",
        "value": share.to_numpy(), "unit": "percent", "source_id": SOURCE,
    })  # fmt: skip
    address = "https://example.org/own-spreadsheet"
    source = [SOURCE, address, title, said.publisher, said.published, "vi", "", ""]
    described = [SOURCE, said.publisher, title, "official", address, said.file.name, ""]
    event = ["2020-01-01", "None known", "hi_coverage", "", "placeholder", title, ""]
    one = {"sources": source, "covariate_sources": described, "policy_events": event}
    made = {name: pd.DataFrame([row], columns=list(columns(name))) for name, row in one.items()}
    empty = {
        name: pd.DataFrame(columns=list(columns(name))) for name in ("adjacency", "corrections")
    }
    empty["adjacency"].loc[0] = codes[:2]
    whole = {"provinces": own, "population": people, "facts": facts, "covariates": covariates}
    return {name: table[list(columns(name))] for name, table in (whole | made | empty).items()}


def main() -> int:
    """Read, print, write; 1 where the sheet is not understood."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--published", required=True, help="day of the sheet, 2025-01-15")
    parser.add_argument("--targets", default="", help="who set the targets, when, in what document")
    parser.add_argument("--publisher", default="Own office")
    parser.add_argument("--region", default="Mekong River Delta", help="one of the six regions")
    parser.add_argument("--part", default="", help="the sheet, where there are several")
    parser.add_argument("--decimal", choices=["point", "comma"], default="")
    said = parser.parse_args()
    try:
        names = districts(said.file, said.part)
        known = {key(name): f"D{i:03d}" for i, name in enumerate(names, start=1)}
        shape = read_shape(
            said.file, lambda x: LARGER if is_whole(x) else known.get(key(x), ""), said.part
        )
        found = figures(shape, names, said.decimal)
        if (found["kind"] == "target").any() and not said.targets:
            raise refuse(said.file.name, "holds targets: say with --targets who set them and when")
        made = tables(found, names, said, shape.title or said.file.stem)
        with tempfile.TemporaryDirectory() as trial:
            for name, table in made.items():
                write_table(table, Path(trial) / f"{name}.csv")
            if faults := check(Path(trial)):
                raise IntakeError(list(faults)[:20])
    except IntakeError as error:
        print(error, file=sys.stderr)
        return 1
    for (what, kind, day), part in found.groupby(["what", "kind", "as_of"]):
        print(f"Taken: {what}, {kind}, {day}: {len(part)} figures, first {part['place'].iloc[0]}")
    facts = made["facts"]
    asked = facts.loc[
        facts["kind"] == "target", ["geo_level", "province_code", "indicator", "as_of"]
    ]
    for name, table in made.items():
        write_table(table, said.folder / "raw" / f"{name}.csv")
    write_table(asked, said.folder / "queries.csv")
    print(f"Written: {said.folder}/raw and queries.csv ({len(asked)} questions)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
