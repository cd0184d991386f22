"""Closed rounds: forecasts in hubverse form, what was known, digests, and a ledger of all files.

Each folder of rounds/ is a hub of its own (https://docs.hubverse.io): model-output/MODEL/ holds one
CSV file a model, one row a prediction; target-data/ the figures known on the origin; hub-config/
what was asked. Beside them stand the targets as known, the digests of data, code and lock, and a
README. rounds/ledger.csv lists every file with its SHA-256: a round is written once, and a
correction is a new round beside it.
"""

from __future__ import annotations

import datetime
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import disk_cache, paths
from analysis.country import geography
from analysis.facts import Raw, load_raw
from analysis.forecast.known import Known, known_at
from analysis.forecast.rounds import Round, RoundError
from analysis.forecast.space import FAMILY
from analysis.forecast.tables import QUANTILES, ForecastTables
from analysis.readings import build_readings, targets
from analysis.readings.arithmetic import usual_readings
from analysis.readings.store import filled

FOLDER, LEDGER = "rounds", "ledger.csv"
_OWN = "analysis"
OUTPUT_COLUMNS = ["reference_date", "target", "location", "target_end_date", "output_type",
           "output_type_id", "value"]  # fmt: skip
#: Scale of a forecast -> what is put behind the indicator in the name of its target.
SCALES = {"reported": "", "true": "_level", "official": "_official"}
_SCHEMAS = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v5.0.0"
_LEDGER_COLUMNS = ["round", "file", "bytes", "sha256"]
_KEY = ["geo_level", "province_code", "indicator", "date"]


@dataclass(frozen=True)
class Printed:
    """What a round is made of.

    tables: as chapter 05 writes them. known: what was known on the origin. beside: plain forecasts
    of the same values (model -> columns target, location, target_end_date and the quantiles).
    digests: of data, code and lock. note: what else a reader has to know of its making.
    """

    tables: ForecastTables
    known: Known
    beside: Mapping[str, pd.DataFrame]
    digests: Mapping[str, Any]
    note: str = ""


def home() -> Path:
    """The folder of all rounds."""
    return paths.ROOT / FOLDER


def identifier(chosen: Round) -> str:
    """The name of a round's folder: its name and the version of the model."""
    return f"{chosen.name}-v{chosen.model}"


def readings_now(raw: Raw) -> pd.DataFrame:
    """Readings of the raw tables as a chapter reads them, whether or not chapter 01 has run."""
    with tempfile.TemporaryDirectory() as folder:
        file = paths.write_table(build_readings(raw).readings, Path(folder) / "readings.csv")
        table = paths.read_table(file, ["as_of"])
    return filled(table)


def known_of(chosen: Round) -> Known:
    """What the raw tables say was known on the origin of a round."""
    raw = load_raw()
    return known_at(readings_now(raw), raw, chosen.origin)


def with_target(chosen: Round, known: Known) -> list[str]:
    """The coverage rates that had a nationwide target for the first due date by the origin."""
    table = targets.announced_by(known.targets, chosen.origin)
    national = table[
        (table["geo_level"] == "country")
        & (table["due"] == chosen.due[0])
        & (table["basis"].fillna("") == "")
    ]
    return [name for name in FAMILY if (national["indicator"] == name).any()]


def digests() -> dict[str, Any]:
    """SHA-256 of every raw table, of the code that forecasts, and of the lock."""
    raw = {path.name: _digest(path.read_bytes()) for path in sorted(Path(paths.RAW).glob("*.csv"))}
    lock = paths.ROOT / "requirements.lock"
    return {
        "data/raw": raw,
        "code": disk_cache.fingerprint(["analysis.forecast.tables"]),
        "requirements.lock": _digest(lock.read_bytes()) if lock.is_file() else "",
    }


def close(chosen: Round, make: Callable[[], Printed], today: datetime.date | None = None) -> Path:
    """Write a round to the archive, once.

    make: computes the round; called only when nothing stands in the way.

    Raises:
        RoundError: it has been closed before, it is prospective and a target has fallen due, or a
            file of the archive has changed. Nothing is written then.
    """
    if "/" in chosen.name:
        raise RoundError(f"round {chosen.name} has no name: only rounds of rounds.yml are closed")
    today = today or datetime.datetime.now(datetime.UTC).date()
    name = identifier(chosen)
    place = home() / name
    if place.exists():
        raise RoundError(
            f"round {name} is closed already: a correction is a new round in rounds.yml"
        )
    if chosen.kind == "prospective" and today >= chosen.due[0].date():
        raise RoundError(
            f"round {name} is called prospective, and its first targets fell due on "
            f"{chosen.due[0]:%Y-%m-%d}: write kind: retrospective in rounds.yml"
        )
    _check()
    files = bundle(chosen, make(), today)
    return _put(name, files)


def _put(name: str, files: Mapping[str, str]) -> Path:
    """Write the files of a round and its lines of the ledger, whole or not at all."""
    place = home() / name
    home().mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=home()))
    try:
        for file, text in files.items():
            paths.write_atomic(aside / file, text)
        aside.chmod(0o755)
        for folder in [path for path in aside.rglob("*") if path.is_dir()]:
            folder.chmod(0o755)
        lines = [
            (name, file, len(text.encode()), _digest(text.encode())) for file, text in files.items()
        ]
        table = pd.concat([ledger(), pd.DataFrame(lines, columns=_LEDGER_COLUMNS)])
        aside.rename(place)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    try:
        paths.write_table(table.sort_values(["round", "file"]), home() / LEDGER)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return place


def bundle(chosen: Round, printed: Printed, closed: datetime.date) -> dict[str, str]:
    """The files of a round by name below its folder.

    Raises:
        RoundError: a forecast or target is of an unit that does not exist, or not of this round.
    """
    own = predictions(chosen, printed.tables)
    model = f"{_OWN}-v{chosen.model}"
    outputs = {model: own}
    for name, table in printed.beside.items():
        outputs[name] = _ordered(_quantile_rows(chosen, table))
    day = f"{chosen.origin:%Y-%m-%d}"
    files = {
        f"model-output/{name}/{day}-{name}.csv": _csv(table) for name, table in outputs.items()
    }
    files["target-data/time-series.csv"] = _csv(series(chosen, printed.known))
    files["targets.csv"] = _csv(known_targets(printed.known))
    files["hub-config/admin.json"] = _json(_admin())
    files["hub-config/tasks.json"] = _json(_tasks(chosen, pd.concat(outputs.values())))
    record = _record(chosen, printed, closed)
    files["record.json"] = _json(record)
    files["README.md"] = _readme(chosen, record, model, own)
    return dict(sorted(files.items()))


def location(level: str, code: str) -> str:
    """The name of a unit within a hub, such as province_34/79.

    Raises:
        RoundError: there is no such unit.
    """
    if level not in geography.LEVELS or code not in geography.codes(level):
        raise RoundError(f"{level}/{code} is no unit of provinces.csv")
    return f"{level}/{code}"


def predictions(chosen: Round, tables: ForecastTables) -> pd.DataFrame:
    """Quantiles and chances of a round, one row each; the columns are COLUMNS.

    A chance stands as cdf: the probability that the value is at or below the target, which is one
    less the chance of meeting it, since the draws have no ties. Chances for which the evidence is
    not enough are not there.
    """
    forecasts = tables.forecasts
    rows = forecasts[
        forecasts["geo_level"].isin(chosen.levels) & forecasts["date"].isin(chosen.due)
    ]
    if rows.empty or (forecasts["origin"] != chosen.origin).any():
        raise RoundError(f"round {chosen.name}: the forecasts are not those of its origin and days")
    named = rows.assign(
        target_name=rows["indicator"] + rows["scale"].map(SCALES),
        location=[location(*unit) for unit in rows[_KEY[:2]].itertuples(index=False)],
    )
    wide = named[["target_name", "location", "date", *QUANTILES]]
    wide.columns = pd.Index(["target", "location", "target_end_date", *QUANTILES])
    return _ordered(
        pd.concat([_quantile_rows(chosen, wide), _chances(chosen, rows, tables.attainment)])
    )


def _quantile_rows(chosen: Round, wide: pd.DataFrame) -> pd.DataFrame:
    long = wide.melt(
        ["target", "location", "target_end_date"], list(QUANTILES), "output_type_id", "value"
    )
    levels = long["output_type_id"].map(QUANTILES)
    return long.assign(reference_date=chosen.origin, output_type="quantile", output_type_id=levels)[
        OUTPUT_COLUMNS
    ]


def _chances(chosen: Round, rows: pd.DataFrame, attainment: pd.DataFrame) -> pd.DataFrame:
    """One row for every target, of those a unit is held against and of all others announced."""
    held = rows[rows["scale"] == "reported"]
    columns = [*_KEY, "target", *(f"p_meets_{scale}" for scale in SCALES)]
    others = attainment[
        attainment["geo_level"].isin(chosen.levels) & attainment["date"].isin(chosen.due)
    ]
    every = pd.concat([held[columns], others[columns]]).dropna(subset=["target"])
    long = every.melt([*_KEY, "target"], value_name="p", var_name="scale").dropna(subset=["p"])
    scale = long["scale"].str.removeprefix("p_meets_").map(SCALES)
    found = pd.DataFrame(
        {
            "reference_date": chosen.origin,
            "target": long["indicator"] + scale,
            "location": [location(*unit) for unit in long[_KEY[:2]].itertuples(index=False)],
            "target_end_date": long["date"],
            "output_type": "cdf",
            "output_type_id": long["target"].round(6),
            "value": (1 - long["p"]).round(6),
        },
        columns=OUTPUT_COLUMNS,
    ).drop_duplicates()
    twice = found.duplicated(OUTPUT_COLUMNS[:-1])
    if twice.any():
        row = found[twice].iloc[0]
        raise RoundError(
            f"round {chosen.name}: {row['location']}, {row['target']}, {row['output_type_id']}: "
            "one target has two chances"
        )
    return found


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(
        ["target", "target_end_date", "location", "output_type", "output_type_id"],
        ascending=[True, True, True, False, True],
        ignore_index=True,
    )


def series(chosen: Round, known: Known) -> pd.DataFrame:
    """The published coverage rates known on the origin, as target data of the hub."""
    rows = geography.one_level(published(known.readings), known.raw.provinces)
    return pd.DataFrame(
        {
            "as_of": chosen.origin,
            "target": rows["indicator"],
            "location": [location(*unit) for unit in rows[_KEY[:2]].itertuples(index=False)],
            "target_end_date": rows["as_of"],
            "observation": rows["value"],
        }
    ).sort_values(["target", "location", "target_end_date"], ignore_index=True)


def published(readings: pd.DataFrame) -> pd.DataFrame:
    """Coverage rates as published, on the usual basis."""
    return usual_readings(readings[readings["indicator"].isin(FAMILY)])


def known_targets(known: Known) -> pd.DataFrame:
    """The targets of coverage rates that had been announced by the origin."""
    table = targets.announced_by(known.targets, known.origin)
    table = table[table["indicator"].isin(FAMILY) & (table["basis"].fillna("") == "")]
    for unit in table[_KEY[:2]].drop_duplicates().itertuples(index=False):
        location(*unit)
    columns = ["geo_level", "province_code", "indicator", "due", "value", "qualifier", "setter",
               "announced", "derived", "n_sources", "facts", "sources"]  # fmt: skip
    return table[columns].sort_values(columns[:7], ignore_index=True)


def _record(chosen: Round, printed: Printed, closed: datetime.date) -> dict[str, Any]:
    latest = pd.to_datetime(printed.known.readings["as_of"]).max()
    return {
        "round": chosen.name,
        "origin": f"{chosen.origin:%Y-%m-%d}",
        "due": [f"{day:%Y-%m-%d}" for day in chosen.due],
        "units": chosen.units,
        "model": chosen.model,
        "kind": chosen.kind,
        "closed": closed.isoformat(),
        "newest_figure": f"{latest:%Y-%m-%d}",
        "note": printed.note,
        "digests": dict(printed.digests),
    }


def _admin() -> dict[str, Any]:
    return {
        "schema_version": f"{_SCHEMAS}/admin-schema.json",
        "name": "Coverage of social protection in Viet Nam",
        "maintainer": "The authors of this project",
        "contact": {"name": "The authors of this project", "email": "see CITATION.cff"},
        "repository": {"host": "see CITATION.cff"},
        "hub_models": [],
        "file_format": ["csv"],
        "timezone": "Asia/Ho_Chi_Minh",
    }


def _tasks(chosen: Round, every: pd.DataFrame) -> dict[str, Any]:
    def listed(column: str) -> dict[str, Any]:
        values = every[column]
        if pd.api.types.is_datetime64_any_dtype(values):
            values = values.dt.strftime("%Y-%m-%d")
        return {"required": None, "optional": sorted(values.unique().tolist())}

    tasks = {name: listed(name) for name in OUTPUT_COLUMNS[:4]}
    cdf = every.loc[every["output_type"] == "cdf", "output_type_id"]
    share = {"type": "double", "minimum": 0, "maximum": 1}
    percent = {"type": "double", "minimum": 0, "maximum": 100}
    outputs = {
        "quantile": {
            "output_type_id": {"required": list(QUANTILES.values())},
            "is_required": True,
            "value": percent,
        },
        "cdf": {
            "output_type_id": {"required": [float(x) for x in sorted(cdf.unique())]},
            "is_required": False,
            "value": share,
        },
    }
    metadata = [
        {
            "target_id": name,
            "target_name": name,
            "target_units": "percent",
            "target_keys": {"target": name},
            "target_type": "continuous",
            "is_step_ahead": False,
        }
        for name in tasks["target"]["optional"]
    ]
    task = {"task_ids": tasks, "output_type": outputs, "target_metadata": metadata}
    return {
        "schema_version": f"{_SCHEMAS}/tasks-schema.json",
        "output_type_id_datatype": "double",
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "reference_date",
                "model_tasks": [task],
                "submissions_due": {
                    "start": f"{chosen.origin:%Y-%m-%d}",
                    "end": f"{chosen.due[0]:%Y-%m-%d}",
                },
            }
        ],
    }


_KIND_WORDS = {
    "prospective": "Prospective: it was closed before its first due date.",
    "retrospective": "Retrospective: it was worked out after its origin, from what was known then.",
    "backcast": "Backcast: made later from what was known then; such years chose the model.",
}


def _readme(chosen: Round, record: Mapping[str, Any], model: str, own: pd.DataFrame) -> str:
    units = own["location"].str.split("/").str[0].value_counts().index
    levels = ", ".join(sorted(units))
    chances = int((own["output_type"] == "cdf").sum())
    note = f"\n{record['note']}\n" if record["note"] else ""
    return f"""# Round {chosen.name}, model version {chosen.model}

| | |
|---|---|
| origin | {record["origin"]}: nothing dated or announced later was used |
| newest figure | {record["newest_figure"]}: data end there |
| due | {", ".join(record["due"])} |
| units | {levels} |
| kind | {_KIND_WORDS[chosen.kind]} |
| closed | {record["closed"]} |
| predictions | {len(own)} rows, of which {chances} chances |
{note}
- `model-output/{model}/`: the forecast. One row a prediction: `reference_date` (the origin),
  `target` (the rate as reported; `_level`: the level itself; `_official`: on the official
  population), `location` (level and code of `data/raw/provinces.csv`), `target_end_date`,
  `output_type`, `output_type_id`, `value`. A `quantile` is in percent. A `cdf` is the probability
  that the value stays below the target in `output_type_id`: the chance of meeting it is one less
  `value`. No chance stands where a unit has too little evidence of its own.
- `model-output/last-value/` and `model-output/curve/`: two plain forecasts of the same values.
- `target-data/time-series.csv`: the figures known on the origin. `targets.csv`: the targets
  announced by then; where a unit's own is not among them, it was held against the nationwide one.
- `record.json`: digests of data, code and lock. `hub-config/`: the tasks in the hubverse's form.

Every file has its SHA-256 in `../ledger.csv` and is not changed again; a correction is a new round.
"""


def ledger() -> pd.DataFrame:
    """The ledger: round, file, bytes, sha256; empty where nothing has been closed.

    Raises:
        RoundError: it cannot be read.
    """
    file = home() / LEDGER
    paths.asked(file)
    if not file.is_file():
        return pd.DataFrame(columns=_LEDGER_COLUMNS)
    try:
        table = pd.read_csv(file, dtype={"round": str, "file": str, "sha256": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise RoundError(f"{FOLDER}/{LEDGER}: cannot be read: {error}") from error
    if list(table.columns) != _LEDGER_COLUMNS:
        raise RoundError(f"{FOLDER}/{LEDGER}: its columns are not {', '.join(_LEDGER_COLUMNS)}")
    return table


def archive_faults() -> list[str]:
    """What differs from the ledger, one line each: changed, missing and surplus files."""
    table = ledger()
    found = []
    listed = dict(zip(table["round"] + "/" + table["file"], table["sha256"], strict=True))
    for file, digest in listed.items():
        path, name = home() / file, f"{FOLDER}/{file}"
        if not path.is_file():
            found.append(f"{name}: is missing; bring it back from the history of the repository")
        elif _digest(path.read_bytes()) != digest:
            found.append(f"{name}: has been changed; bring it back, and correct in a new round")
    for file in _archived():
        if file not in listed:
            found.append(f"{FOLDER}/{file}: is not in {LEDGER}; take it out of the archive")
    return found


def _check() -> None:
    """Raise RoundError with a line for each fault of the archive."""
    if found := archive_faults():
        raise RoundError("\n".join(found))


def _archived() -> Iterator[str]:
    if not home().is_dir():
        return
    for folder in sorted(home().iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield path.relative_to(home()).as_posix()


@dataclass(frozen=True)
class Archived:
    """A closed round as it is read back.

    record: see record.json. outputs: model -> rows of COLUMNS. series, targets: what was known.
    """

    name: str
    record: Mapping[str, Any]
    outputs: Mapping[str, pd.DataFrame]
    series: pd.DataFrame
    targets: pd.DataFrame

    @property
    def own(self) -> str:
        """The model of the project."""
        return f"{_OWN}-v{self.record['model']}"

    @property
    def origin(self) -> pd.Timestamp:
        """The day whose knowledge it has."""
        return pd.Timestamp(self.record["origin"])


def read_round(name: str) -> Archived:
    """Read a closed round. Raises RoundError where there is none of this name."""
    place = home() / name
    table = ledger()
    files = table.loc[table["round"] == name, "file"]
    if files.empty:
        known = ", ".join(sorted(table["round"].unique())) or "none yet"
        raise RoundError(f"no closed round {name!r}; there are: {known}")
    outputs = {
        file.split("/")[1]: _read(place / file, ["reference_date", "target_end_date"])
        for file in files
        if file.startswith("model-output/")
    }
    return Archived(
        name=name,
        record=json.loads((place / "record.json").read_text("utf-8")),
        outputs=outputs,
        series=_read(place / "target-data/time-series.csv", ["as_of", "target_end_date"]),
        targets=_read(place / "targets.csv", ["due", "announced"]),
    )


def read_rounds() -> list[Archived]:
    """All closed rounds, once every file is known to be as it was closed. Raises RoundError."""
    _check()
    return [read_round(name) for name in sorted(ledger()["round"].unique())]


def _read(path: Path, dates: Iterable[str]) -> pd.DataFrame:
    return paths.read_table(path, list(dates))


def _csv(table: pd.DataFrame) -> str:
    """CSV text with values to eight digits: more than draws carry, and the same everywhere."""
    text = io.StringIO()
    table.to_csv(
        text, index=False, lineterminator="\n", float_format="%.8g", date_format="%Y-%m-%d"
    )
    return text.getvalue()


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be written")


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
