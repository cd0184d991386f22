"""A page a district: last reading, its 2025 targets, forecast and the chance to meet them.

    python examples/districts_brief.py my_province [--language vi]

FOLDER holds raw/ (see districts_from_spreadsheet.py) and predictions.csv (from analysis predict).
"""

import argparse
import html
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.facts import load_raw
from analysis.paths import write_atomic

WORDS = {
    "en": {
        "title": "Districts: readings, targets and forecasts",
        "head": ["Indicator", "Last reading", "Target", "Forecast (80% band)", "Chance to meet it"],
        "hi_coverage": "Health insurance", "si_coverage": "Social insurance",
        "ui_coverage": "Unemployment insurance", "whole": "Whole province", "of": "on",
        "unsure": "under 5%", "sure": "over 95%",
        "foot": "Percent. The band holds four outcomes of five; the chance is read off the same "
                "forecast. Known by the origin of the forecast only.",
    },
    "vi": {
        "title": "Các huyện: số liệu, chỉ tiêu và dự báo",
        "head": ["Chỉ tiêu", "Số liệu gần nhất", "Mục tiêu", "Dự báo (khoảng 80%)",
                 "Khả năng đạt"],
        "hi_coverage": "Bảo hiểm y tế", "si_coverage": "Bảo hiểm xã hội",
        "ui_coverage": "Bảo hiểm thất nghiệp", "whole": "Toàn tỉnh", "of": "ngày",
        "unsure": "dưới 5%", "sure": "trên 95%",
        "foot": "Đơn vị: phần trăm. Cứ năm kết quả thì bốn nằm trong khoảng dự báo; khả năng đạt "
                "được tính từ chính dự báo đó.",
    },
}  # fmt: skip


def chance(row: pd.Series, target: float) -> float:
    """Return the probability that the value reaches the target, from the quantiles of the row.

    Between two quantiles it is interpolated; below the first and above the last one it is 1 and 0
    to within their own level.
    """
    names = sorted(name for name in row.index if name.startswith("q0."))
    levels = np.array([float(name[1:]) for name in names])
    return float(1 - np.interp(target, row[names].astype(float), levels))


def rows(folder: Path, words: dict) -> pd.DataFrame:
    """Return one row a district and indicator: name, indicator and the five cells as text."""
    raw = load_raw(folder / "raw")
    asked = pd.read_csv(folder / "predictions.csv", dtype={"province_code": str})
    names = dict(zip(raw.provinces["province_code"], raw.provinces["name_vi"], strict=True))
    facts = raw.facts.assign(as_of=pd.to_datetime(raw.facts["as_of"]))
    told = []
    for _, row in asked.iterrows():
        own = facts[(facts["province_code"] == row["province_code"])
                    & (facts["indicator"] == row["indicator"])]  # fmt: skip
        actual = own[own["kind"] == "actual"].sort_values("as_of")
        due = own[(own["kind"] == "target") & (own["as_of"] == pd.Timestamp(row["as_of"]))]
        target = float(due["value"].iloc[0])
        last = (
            "–"
            if actual.empty
            else (
                f"{actual['value'].iloc[-1]:.1f} "
                f"({words['of']} {actual['as_of'].iloc[-1]:%Y-%m-%d})"
            )
        )
        p = chance(row, target)
        said = words["unsure"] if p < 0.05 else words["sure"] if p > 0.95 else f"{p:.0%}"
        band = f"{row['q0.50']:.1f} ({row['q0.10']:.1f}–{row['q0.90']:.1f})"
        name = names.get(row["province_code"], words["whole"])
        told.append((name, words[row["indicator"]], last, f"{target:.1f}", band, said))
    return pd.DataFrame(told, columns=["name", *range(5)])


def main() -> int:
    """Write brief.html into the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=["en", "vi"], default="en")
    said = parser.parse_args()
    words = WORDS[said.language]
    parts = [f"<h1>{words['title']}</h1>"]
    head = "".join(f"<th>{name}</th>" for name in words["head"])
    for name, own in rows(said.folder, words).groupby("name", sort=False):
        lines = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row[1:]) + "</tr>"
            for row in own.itertuples(index=False)
        )
        parts.append(f"<h2>{html.escape(str(name))}</h2><table><tr>{head}</tr>{lines}</table>")
    style = "body{font-family:sans-serif;max-width:50em;margin:auto}"
    style += "td,th{padding:.2em .8em;text-align:left}"
    page = (
        f'<!doctype html><html lang="{said.language}"><meta charset="utf-8"><title>{words["title"]}'
        f"</title><style>{style}</style>{''.join(parts)}<p>{words['foot']}</p></html>\n"
    )
    print(f"Written: {write_atomic(said.folder / 'brief.html', page)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
