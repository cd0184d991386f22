"""Make the synthetic districts of examples/districts: no real place, no real figure.

    python examples/make_districts.py [FOLDER]

The tables have the form of data/raw, so that every command and most chapters can be pointed at
them. They are drawn from a curve with known parameters; running the script again gives the same
bytes.
"""

import sys
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import Workbook
from scipy.special import expit, logit

from analysis.facts.tables import columns
from analysis.paths import write_table
from analysis.seeds import generator

HERE = Path(__file__).parent
DISTRICTS, FIRST, LAST = 12, 2015, 2024
SOURCE = "SYN1"
NOTE = "synthetic, made by examples/make_districts.py"
#: Indicator -> nationwide logit in 2015, and its slope a year.
CURVES = {"hi_coverage": (0.9, 0.17), "si_coverage": (-1.4, 0.09), "ui_coverage": (-1.7, 0.09)}
TARGETS = {"hi_coverage": 93.0, "si_coverage": 38.0, "ui_coverage": 30.0}


def units() -> pd.DataFrame:
    """Return twelve districts; groups of three stand for what merges later."""
    rows = []
    for i in range(DISTRICTS):
        seat = 3 * (i // 3)
        rows.append(
            {
                "province_code": f"D{i + 1:02d}",
                "name_en": f"Synthetic District {i + 1:02d}",
                "name_vi": f"Huyện giả định {i + 1:02d}",
                "region": "Mekong River Delta",
                "tile_row": i // 4,
                "tile_col": i % 4,
                "merged_code": f"D{seat + 1:02d}",
                "merged_name_en": f"Synthetic Area {seat // 3 + 1}",
                "merged_name_vi": f"Khu vực giả định {seat // 3 + 1}",
                "merged_tile_row": seat // 6,
                "merged_tile_col": seat // 3 % 2,
            }
        )
    return pd.DataFrame(rows)


def population(codes: pd.Series) -> pd.DataFrame:
    """Return persons by district and year."""
    start = generator("example", "population").integers(60_000, 240_000, len(codes))
    rows = [
        (code, year, "post_2019_census", round(size * 1.008 ** (year - FIRST)), SOURCE)
        for code, size in zip(codes, start, strict=True)
        for year in range(FIRST - 1, LAST + 1)
    ]
    return pd.DataFrame(rows, columns=list(columns("population")))


def levels(persons: pd.DataFrame) -> pd.DataFrame:
    """Return the true coverage of every district, and of the whole, at mid-year and year-end."""
    random = generator("example", "levels")
    codes = sorted(persons["province_code"].unique())
    weights = persons[persons["year"] == FIRST].set_index("province_code")["persons"]
    rows = []
    for indicator, (start, slope) in CURVES.items():
        apart = random.normal(0, 0.35, len(codes))
        for year in range(FIRST, LAST + 1):
            for day, season in ((f"{year}-06-30", -0.25), (f"{year}-12-31", 0.0)):
                z = start + slope * (year - FIRST) + season + apart * 0.95 ** (year - FIRST)
                z = z + random.normal(0, 0.05, len(codes))
                shares = 100 * expit(z)
                for code, share in zip(codes, shares, strict=True):
                    rows.append(("province_63", code, share, indicator, day))
                whole = np.average(shares, weights=weights.loc[codes])
                rows.append(("country", "00", whole, indicator, day))
    return pd.DataFrame(rows, columns=["geo_level", "province_code", "value", "indicator", "as_of"])


def facts(true: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return what is published: all of the whole, some of the districts; and the targets."""
    random = generator("example", "facts")
    chosen = random.random(len(true)) < np.where(true["as_of"].str.endswith("12-31"), 0.5, 0.15)
    read = true[chosen | (true["geo_level"] == "country")].copy()
    noise = np.where(read["geo_level"] == "country", 0.2, 0.8) * random.standard_normal(len(read))
    share = logit(read["value"] / 100) + noise / (read["value"] * (1 - read["value"] / 100))
    read["value"] = (100 * expit(share)).round(1)
    read["kind"] = "actual"
    codes = ["00", *table["province_code"]]
    due = [
        ("country" if code == "00" else "province_63", code, value + (0 if code == "00" else shift),
         name, f"{LAST + 1}-12-31", "target")
        for name, value in TARGETS.items()
        for code, shift in zip(codes, random.integers(-2, 3, len(codes)), strict=True)
    ]  # fmt: skip
    every = pd.concat([read, pd.DataFrame(due, columns=read.columns)], ignore_index=True)
    names = dict(zip(codes, ["Viet Nam", *table["name_en"]], strict=True))
    every = every.assign(
        province=every["province_code"].map(names),
        basis="", unit="percent", qualifier="exact", denominator="",
        source_id=SOURCE, transcriptions=1,
        setter=np.where(every["kind"] == "target", "province", ""),
        announced=np.where(every["kind"] == "target", "2023-12-31", ""),
        standing="", doubt="", versus="",
        note=NOTE,
    )  # fmt: skip
    return every[list(columns("facts"))]


def covariates(codes: pd.Series) -> pd.DataFrame:
    """Return the characteristics that the coverage model reads."""
    random = generator("example", "covariates")
    drawn = {
        "minority_pupil_share": ("percent", 2016, random.uniform(0.1, 40, len(codes))),
        "income_month": ("thousand VND", 2016, random.uniform(1800, 4200, len(codes))),
        "income_month_wages": ("thousand VND", 2016, random.uniform(700, 1700, len(codes))),
        "urban_share": ("percent", 2016, random.uniform(5, 60, len(codes))),
        "labour_force": ("persons", 2016, random.uniform(35_000, 130_000, len(codes))),
    }
    rows = [
        (code, year, name, round(value, 1), unit, SOURCE)
        for name, (unit, year, values) in drawn.items()
        for code, value in zip(codes, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(columns("covariates")))


def tables() -> dict[str, pd.DataFrame]:
    """Return every table of data/raw, by name."""
    own = units()
    codes = own["province_code"]
    persons = population(codes)
    title = "Synthetic figures, no real place"
    source = [SOURCE, "https://example.org/synthetic", title, "Nobody", "2025-01-15", "en", "", ""]
    described = [SOURCE, "Nobody", title, "official", "https://example.org/synthetic", "", NOTE]
    event = ["2016-01-01", "Synthetic rule", "hi_coverage", "", NOTE, title, ""]
    pairs = pairwise(codes)
    return {
        "provinces": own,
        "population": persons,
        "facts": facts(levels(persons), own),
        "covariates": covariates(codes),
        "sources": pd.DataFrame([source], columns=list(columns("sources"))),
        "covariate_sources": pd.DataFrame([described], columns=list(columns("covariate_sources"))),
        "policy_events": pd.DataFrame([event], columns=list(columns("policy_events"))),
        "adjacency": pd.DataFrame(pairs, columns=list(columns("adjacency"))),
        "corrections": pd.DataFrame(columns=list(columns("corrections"))),
    }


def office() -> Workbook:
    """Return the same districts as a sheet of the usual shape: dates over indicators, targets last.

    Figures of five year-ends, of every district and of the whole.
    """
    own = units()
    true = levels(population(own["province_code"]))
    persons = population(own["province_code"])
    value = true.set_index(["province_code", "indicator", "as_of"])["value"].round(1)
    persons = persons[persons["year"] == LAST].set_index("province_code")["persons"]
    days = [f"{year}-12-31" for year in range(LAST - 4, LAST + 1)]
    book = Workbook()
    book.properties.created = book.properties.modified = datetime(2025, 1, 15)
    sheet = book.active
    assert sheet is not None
    sheet.title = "Tổng hợp"
    sheet.append(["TỔNG HỢP TỶ LỆ BAO PHỦ (số liệu giả định, không phải địa phương có thật)"])
    sheet.append(["Đơn vị tính: %"])
    sheet.append([])
    tops = [*(f"Đến 31/12/{day[:4]}" for day in days), f"Chỉ tiêu {LAST + 1}"]
    over, under = ["STT", "Huyện", f"Dân số {LAST} (người)"], ["", "", ""]
    for top in tops:
        over += [top, "", ""]
        under += ["BHYT", "BHXH", "BHTN"]
    sheet.append(over)
    sheet.append(under)
    for column in range(4, 4 + 3 * len(tops), 3):
        sheet.merge_cells(start_row=4, end_row=4, start_column=column, end_column=column + 2)
    for number, code in enumerate(["00", *own["province_code"]]):
        name = "Toàn tỉnh" if code == "00" else own["name_vi"].iloc[number - 1]
        people = persons.sum() if code == "00" else persons[code]
        line = [number or "", name, int(people)]
        line += [float(value[code, name_, day]) for day in days for name_ in CURVES]
        sheet.append([*line, *TARGETS.values()])
    sheet.append(["Nguồn: số liệu giả định, lập bằng examples/make_districts.py"])
    return book


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "districts" / "raw"
    for name, table in tables().items():
        print(write_table(table, folder / f"{name}.csv"))
    if len(sys.argv) == 1:
        office().save(HERE / "districts" / "office.xlsx")
