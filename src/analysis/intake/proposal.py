"""New rows beside the raw tables: completed, checked as a whole, and written as a whole.

Sources are told apart by address, title, publisher and date together: many pages are replaced every
year, and many reports of many offices bear one title.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from filelock import FileLock

from analysis.country.indicators import INDICATORS
from analysis.facts import Fault, Raw, check, load_raw
from analysis.facts.tables import columns
from analysis.intake.advice import Names, units_that_did_not_exist, what_to_write
from analysis.intake.sheet import NAMES, IntakeError, Sheet
from analysis.paths import RAW, write_atomic

_NUMBERED = re.compile(r"^S(\d+)$")


class ChangedMeanwhile(IntakeError):
    """Somebody else has written the raw tables since they were read; nothing was written."""


@dataclass(frozen=True)
class Proposal:
    """What would be written.

    raw_dir: the folder of the raw tables. file: name of the file that the rows come from.
    texts: name of a raw table -> its whole new text. rows: (table, line in its new text) -> row of
    the file, so that a fault is reported where a person can mend it. counts: table -> new rows.
    faults: of the file itself; they are told together with all other faults. advice: (row, column)
    of the file -> what to write there. remarks: sentences for the one who decides.
    """

    raw_dir: Path
    file: str
    texts: Mapping[str, str]
    rows: Mapping[tuple[str, int], int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    advice: Mapping[tuple[int, str], str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    _found: dict[str, str] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._found.update(_digests(self.raw_dir))

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
            own = [self._advised(fault) for fault in self.faults]
            known = {(fault.row, fault.column) for fault in own}
            found = [self._at_home(fault) for fault in check(place)]
            faults = own + [
                fault
                for fault in found
                if fault.file != self.file
                or ((fault.row, fault.column) not in known and not _echo(fault, known))
            ]
            if faults:
                raise IntakeError(sorted(set(faults)))
            return load_raw(place)

    def _at_home(self, fault: Fault) -> Fault:
        """A fault of a new row under the file that it comes from, with what to write instead."""
        table = fault.file.removesuffix(".csv")
        row = self.rows.get((table, fault.row))
        if row is None:
            return fault
        message = re.sub(
            r"repeats row (\d+)", lambda match: self._repeated(table, int(match[1])), fault.message
        )
        described = f"source_{fault.column}"
        column = described if table == "sources" and described in NAMES else fault.column
        return self._advised(Fault(self.file, row, column, fault.value, message))

    def _repeated(self, table: str, line: int) -> str:
        own = self.rows.get((table, line))
        if own is None:
            return f"is already there, in row {line} of {table}.csv"
        return f"repeats row {own} of this file; delete one of the two"

    def _advised(self, fault: Fault) -> Fault:
        better = self.advice.get((fault.row, fault.column))
        if not better or fault.file != self.file or "; write " in fault.message:
            return fault
        return replace(fault, message=f"{fault.message}; write {better}")

    def write(self) -> list[Path]:
        """Write the tables, each whole; sources come before the rows that name them.

        Raises:
            ChangedMeanwhile: a raw table is not what it was when the proposal was made.
        """
        # Beside the folder: two users of one folder may keep their caches in different places.
        with FileLock(self.raw_dir.resolve().parent / f".{self.raw_dir.resolve().name}.lock"):
            now = _digests(self.raw_dir)
            names = sorted({*now, *self._found})
            if changed := [name for name in names if now.get(name) != self._found.get(name)]:
                message = (
                    f"changed while you were deciding ({', '.join(changed)}); look at it again: "
                    "run the same command once more"
                )
                raise ChangedMeanwhile([Fault(self.raw_dir.name, 0, "", "", message)])
            order = sorted(self.texts, key=lambda name: (not name.endswith("sources"), name))
            return [write_atomic(self.raw_dir / f"{n}.csv", self.texts[n]) for n in order]


def _echo(fault: Fault, known: set[tuple[int, str]]) -> bool:
    """Whether a fault only follows from a row's having been given any source, for want of one."""
    return fault.column == "as_of" and (fault.row, "source_id") in known


def _digests(folder: Path) -> dict[str, str]:
    """Raw table -> a fingerprint of its content."""
    files = sorted(folder.glob("*.csv"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def propose_facts(
    sheet: Sheet, file: str, raw_dir: Path | None = None, today: dt.date | None = None
) -> Proposal:
    """Set the rows of a filled-in template beside the raw tables of a folder.

    Args:
        sheet: what `sheet.read_sheet` returns.
        today: results dated later are remarked on. None: they are not looked for.

    Raises:
        RawDataError: the raw tables themselves are faulty.
    """
    folder = Path(raw_dir or RAW)
    raw = load_raw(folder)
    names = Names(raw)
    given = sheet.table
    advice = {
        (int(str(row["row"])), column): better
        for row in _records(given)
        for column in NAMES
        if (better := what_to_write(column, row, names))
    }
    table = _completed(given, names)
    table, sources, faults, remarks = _with_sources(table, raw, file)
    faults = [*sheet.faults, *faults, *_not_percent(given, sheet.percent, file)]
    for at, column, message in units_that_did_not_exist(table, raw, names):
        row = table.iloc[at]
        faults.append(Fault(file, int(row["row"]), column, str(row[column]), message))
    facts = table.assign(transcriptions="1").reindex(columns=list(columns("facts")), fill_value="")
    texts: dict[str, str] = {}
    rows: dict[tuple[str, int], int] = {}
    texts["facts"], first = _appended(folder / "facts.csv", facts)
    rows |= {("facts", first + i): int(row) for i, row in enumerate(table["row"])}
    if len(sources):
        new = sources[list(columns("sources"))]
        texts["sources"], first = _appended(folder / "sources.csv", new)
        rows |= {("sources", first + i): int(row) for i, row in enumerate(sources["row"])}
    counts = {"facts": len(facts), "sources": len(sources)}
    said = (*sheet.remarks, *remarks, *_yet_to_come(given, today))
    return Proposal(folder, file, texts, rows, counts, tuple(faults), advice, said)


def _yet_to_come(table: pd.DataFrame, today: dt.date | None) -> list[str]:
    """Results and publications later than today: a slip in the year, or a clock that is wrong."""
    if today is None:
        return []
    results = table["kind"].isin(["", "actual"])
    told = []
    for column, rows in (("as_of", table[results]), ("source_published", table)):
        for number, day in zip(rows["row"], rows[column], strict=True):
            if re.fullmatch(r"\d{4}-\d\d-\d\d", day) and day > f"{today:%Y-%m-%d}":
                told.append(
                    f"Row {number}: {column} {day} is yet to come (today is {today:%Y-%m-%d} by "
                    "the clock of this machine); check the year."
                )
    return told


def _completed(table: pd.DataFrame, names: Names) -> pd.DataFrame:
    """Fill in what follows from other cells; a name in either language becomes the usual one."""
    cells = table[["geo_level", "province_code", "province"]].itertuples(index=False, name=None)
    provinces = []
    for level, code, name in cells:
        usual = names.both.get((level, code), ("?", ""))[0]
        provinces.append(usual if not name or names.is_name_of(name, level, code) else name)
    defaults = {
        "unit": [INDICATORS[i].unit if i in INDICATORS else "?" for i in table["indicator"]],
        "qualifier": ["exact"] * len(table),
        "kind": ["actual"] * len(table),
        "source_language": ["vi"] * len(table),
    }
    filled = {
        name: table[name].where(table[name] != "", values) for name, values in defaults.items()
    }
    return table.assign(province=provinces, **filled)


def _not_percent(table: pd.DataFrame, percent: frozenset[int], file: str) -> list[Fault]:
    """Figures that are shown with a percent sign although their indicator is counted otherwise."""
    rows = table[table["row"].isin(percent)]
    unit = rows["indicator"].map({name: one.unit for name, one in INDICATORS.items()})
    wrong = rows[unit.notna() & (unit != "percent")]
    return [
        Fault(file, int(row), "value", value, f"is shown as a percentage; {name} is counted in "
              f"{INDICATORS[name].unit}")
        for row, value, name in zip(wrong["row"], wrong["value"], wrong["indicator"], strict=True)
    ]  # fmt: skip


_DESCRIPTION = ("url", "title", "publisher", "published")


def _with_sources(
    table: pd.DataFrame, raw: Raw, file: str
) -> tuple[pd.DataFrame, pd.DataFrame, list[Fault], list[str]]:
    """Give each row its source: a known one, or a new one with the next id.

    A known source is meant by its id, by its address with nothing beside it that contradicts, or
    by title, publisher and date together. A row that has none is a fault; it is given any known
    one, so that its other faults show too.
    """
    known = {str(one["source_id"]): one for one in _records(raw.sources)}
    last = max((int(m[1]) for name in known if (m := _NUMBERED.match(name))), default=0)
    made: dict[str, dict[str, object]] = {}
    faults: list[Fault] = []
    remarks: dict[str, None] = {}
    chosen = []
    for row in _records(table):
        every = {**known, **made}
        name, wrong = _source_of(row, every, file)
        if not wrong and name not in every:
            wrong = _undescribed(row, file, name)
            remarks |= dict.fromkeys(_also_there(row, every))
            if not wrong:
                numbered = sum(1 for one in made if _NUMBERED.match(one))
                name = name or f"S{last + 1 + numbered:03d}"
                made[name] = {"source_id": name, "row": row["row"], **_described(row)}
        faults += wrong
        chosen.append(min(known, default="") if wrong else name)
    new = pd.DataFrame(list(made.values()), columns=[*columns("sources"), "row"])
    return table.assign(source_id=chosen), new, faults, list(remarks)


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): cell for name, cell in row.items()} for row in table.to_dict("records")]


def _described(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[f"source_{name}"] for name in (*_DESCRIPTION, "language", "retrieved", "how")}


def _source_of(
    row: Mapping[str, object], every: Mapping[str, Mapping[str, object]], file: str
) -> tuple[str, list[Fault]]:
    """The id of the source that a row means, "" for a new one without an id; and what is wrong."""
    name, place = str(row["source_id"]), int(str(row["row"]))
    said = {part: str(row[f"source_{part}"]) for part in _DESCRIPTION}
    if name:
        if name in every and (part := _contradiction(said, every[name])):
            message = (
                f"is the source with {part} {str(every[name][part])!r} in sources.csv; leave "
                f"the id empty if another one is meant, else source_{part}"
            )
            return name, [Fault(file, place, "source_id", name, message)]
        return name, []
    same = [one for one, known in every.items() if _is_meant(said, known)]
    if len(same) > 1:
        message = (
            f"may be {' or '.join(same[:5])}, which share what is said of the source; give the id"
        )
        return "", [Fault(file, place, "source_id", "", message)]
    return (same[0] if same else ""), []


def _plain(text: object) -> str:
    """A description without the differences that typing makes."""
    composed = unicodedata.normalize("NFC", str(text)).casefold()
    return " ".join(re.sub(r"^https?://(www\.)?|/$", "", composed.strip()).split())


def _contradiction(said: Mapping[str, str], known: Mapping[str, object]) -> str:
    """The first part of a description that is stated and differs from a known source's."""
    for part, text in said.items():
        if text and _plain(text) != _plain(known[part]):
            return part
    return ""


def _is_meant(said: Mapping[str, str], known: Mapping[str, object]) -> bool:
    if _contradiction(said, known):
        return False
    described = all(_plain(said[part]) == _plain(known[part])
                    for part in ("title", "publisher", "published"))  # fmt: skip
    return bool(said["url"]) or (described and bool(said["title"]))


def _also_there(row: Mapping[str, object], every: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Say which known sources share the address or the title of a new one."""
    found = []
    for part in ("url", "title"):
        text = str(row[f"source_{part}"])
        same = [one for one, known in every.items() if text and _plain(known[part]) == _plain(text)]
        if same:
            what = {"url": "address", "title": "title"}[part]
            found.append(
                f"Row {row['row']}: taken as a new source; {', '.join(same[:5])} has the same "
                f"{what} but differs in title, publisher, date or address."
            )
            break
    return found


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
