"""New rows beside the raw tables: completed, checked as a whole, and written as a whole."""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.facts import Fault, Raw, check, load_raw
from analysis.facts.schemas import columns
from analysis.geography import COUNTRY
from analysis.indicators import INDICATORS
from analysis.intake.sheet import IntakeError
from analysis.paths import RAW, write_atomic

_NUMBERED = re.compile(r"^S(\d+)$")


@dataclass(frozen=True)
class Proposal:
    """What would be written.

    raw_dir: the folder of the raw tables. file: name of the file that the rows come from.
    texts: name of a raw table -> its whole new text. rows: (table, line in its new text) -> row of
    the file, so that a fault is reported where a person can mend it. counts: table -> new rows.
    faults: rows without a source; they are told together with all other faults.
    """

    raw_dir: Path
    file: str
    texts: Mapping[str, str]
    rows: Mapping[tuple[str, int], int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @contextmanager
    def aside(self) -> Iterator[Path]:
        """A temporary folder with the raw tables as they would be."""
        with tempfile.TemporaryDirectory(prefix="analysis-intake-") as folder:
            place = Path(folder) / "raw"
            shutil.copytree(self.raw_dir, place)
            for table, text in self.texts.items():
                Path(place, f"{table}.csv").write_text(text, encoding="utf-8")
            yield place

    def checked(self) -> Raw:
        """Return the raw tables as they would be.

        Raises:
            IntakeError: with every fault, those of new rows under their own file and row.
        """
        with self.aside() as place:
            faults = [*self.faults, *(self._at_home(fault) for fault in check(place))]
            if faults:
                raise IntakeError(sorted(set(faults)))
            return load_raw(place)

    def _at_home(self, fault: Fault) -> Fault:
        table = fault.file.removesuffix(".csv")
        own = self.rows.get((table, fault.row))
        if own is None:
            return fault
        message = re.sub(r"repeats row (\d+)", r"is already there, in row \1 of " + fault.file,
                         fault.message)  # fmt: skip
        return Fault(self.file, own, fault.column, fault.value, message)

    def write(self) -> list[Path]:
        """Write the tables, each whole; sources come before the rows that name them."""
        order = sorted(self.texts, key=lambda name: (not name.endswith("sources"), name))
        return [write_atomic(self.raw_dir / f"{name}.csv", self.texts[name]) for name in order]


def propose_facts(table: pd.DataFrame, file: str, raw_dir: Path | None = None) -> Proposal:
    """Set the rows of a filled-in template beside the raw tables of a folder.

    Args:
        table: what `sheet.read_sheet` returns.

    Raises:
        RawDataError: the raw tables themselves are faulty.
    """
    folder = Path(raw_dir or RAW)
    raw = load_raw(folder)
    table = _completed(table, raw)
    table, sources, faults = _with_sources(table, raw, file)
    facts = table.assign(transcriptions="1")[list(columns("facts"))]
    texts: dict[str, str] = {}
    rows: dict[tuple[str, int], int] = {}
    texts["facts"], first = _appended(folder / "facts.csv", facts)
    rows |= {("facts", first + i): int(row) for i, row in enumerate(table["row"])}
    if len(sources):
        new = sources[list(columns("sources"))]
        texts["sources"], first = _appended(folder / "sources.csv", new)
        rows |= {("sources", first + i): int(row) for i, row in enumerate(sources["row"])}
    counts = {"facts": len(facts), "sources": len(sources)}
    return Proposal(folder, file, texts, rows, counts, tuple(faults))


def _completed(table: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Fill in what follows from other cells."""
    names = {("country", COUNTRY): "Viet Nam"}
    old = raw.provinces[["province_code", "name_en"]].itertuples(index=False, name=None)
    new = raw.provinces[["merged_code", "merged_name_en"]].itertuples(index=False, name=None)
    names |= {("province_63", code): name for code, name in old}
    names |= {("province_34", code): name for code, name in new}
    units = zip(table["geo_level"], table["province_code"], strict=True)
    defaults = {
        "province": [names.get(unit, "?") for unit in units],
        "unit": [INDICATORS[i].unit if i in INDICATORS else "?" for i in table["indicator"]],
        "qualifier": ["exact"] * len(table),
        "kind": ["actual"] * len(table),
        "source_language": ["vi"] * len(table),
    }
    filled = {
        name: table[name].where(table[name] != "", values) for name, values in defaults.items()
    }
    return table.assign(**filled)


def _with_sources(
    table: pd.DataFrame, raw: Raw, file: str
) -> tuple[pd.DataFrame, pd.DataFrame, list[Fault]]:
    """Give each row its source: a known one by id or address, else a new one with the next id.

    A row that has none is a fault; it is given any known one, so that its other faults show too.
    """
    known = set(raw.sources["source_id"])
    addresses = {url: name for name, url in zip(raw.sources["source_id"], raw.sources["url"],
                                                strict=True) if url}  # fmt: skip
    last = max((int(m[1]) for name in known if (m := _NUMBERED.match(name))), default=0)
    made: dict[tuple[str, str], dict[str, object]] = {}
    faults, chosen = [], []
    for record in table.to_dict("records"):
        row = {str(column): value for column, value in record.items()}
        name, url = row["source_id"], row["source_url"]
        if not name and url in addresses:
            name = addresses[url]
        if name in known:
            chosen.append(name)
            continue
        if wrong := _undescribed(row, file, name):
            faults += wrong
            chosen.append(min(known, default=""))
            continue
        key = (name, url or row["source_title"])
        if key not in made:
            new = name or f"S{last + 1 + sum(1 for k in made if not k[0]):03d}"
            made[key] = {"source_id": new, "row": row["row"], **_described(row)}
        chosen.append(str(made[key]["source_id"]))
    sources = pd.DataFrame(list(made.values()), columns=[*columns("sources"), "row"])
    return table.assign(source_id=chosen), sources, faults


def _described(row: Mapping[str, str]) -> dict[str, str]:
    return {name: row[f"source_{name}"] for name in ("url", "title", "publisher", "published",
                                                     "language", "retrieved", "how")}  # fmt: skip


def _undescribed(row: Mapping[str, object], file: str, name: object) -> list[Fault]:
    what = "is not a source of sources.csv" if name else "there is no source"
    say = f"{what}; give source_title and source_publisher (and source_url where there is one)"
    missing = [c for c in ("source_title", "source_publisher") if not row[c]]
    return [Fault(file, int(str(row["row"])), "source_id", str(name), say)] if missing else []


def _appended(path: Path, rows: pd.DataFrame) -> tuple[str, int]:
    """The text of a CSV file with rows at its end, and the line of the first of them.

    The lines that stand are kept as they are, byte for byte.
    """
    with path.open(encoding="utf-8", newline="") as file:
        old = file.read()
    old = old if old.endswith("\n") else old + "\n"
    head = next(csv.reader(io.StringIO(old)))
    head[0] = head[0].removeprefix("\ufeff")
    end = "\r\n" if "\r\n" in old[:2000] else "\n"
    new = rows[head].to_csv(index=False, header=False, lineterminator=end)
    return old + new, old.count("\n") + 1
