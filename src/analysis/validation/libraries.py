"""Make data/benchmarks/peers.csv: the models that take libraries which no report needs.

ETS, Theta and ARIMA of statsforecast, Prophet, a logistic transition in NumPyro, and GPBoost.

    python -m analysis.validation.libraries

needs the optional dependencies `peers` of pyproject.toml. A library that is not installed is
named, and the forecasts kept of its models stay as they are.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.paths import write_table
from analysis.validation import designs, field_models, peers
from analysis.validation.designs import inputs
from analysis.validation.peers import COLUMNS, KEPT_FILE, KEPT_MODELS, KEPT_RUNS, fingerprint
from analysis.validation.scores import Floats

_INDICATORS = ("hi_coverage", "si_coverage", "ui_coverage")
#: A reading's own error (log odds near 90%: about one point) is added to every band, because the
#: yearly grid is interpolated and smoother than the readings.
READING_ERROR = 0.11
_ENOUGH_YEARS = 4
_ENOUGH_READINGS = 3
_ONE_SD = 68.268949
LIBRARY = dict.fromkeys(("ets", "theta", "arima"), "statsforecast") | {"transition": "numpyro"}
#: Models that see all provinces at once.
_OF_ALL = {"transition": field_models.transition, "gpboost": field_models.gpboost}

Series = Callable[[Floats, int], tuple[Floats, Floats]]


def _main(arguments: Sequence[str] | None = None) -> None:
    """Forecast every fold that is not kept with every model whose library is installed.

    What is kept for the same readings and code stays. The file is written after every fold.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=[*KEPT_MODELS], help="this one alone")
    chosen = parser.parse_args(arguments).model or [*KEPT_MODELS]
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    models = [model for model in chosen if _installed(LIBRARY.get(model, model))]
    old = pd.DataFrame(columns=COLUMNS)
    if KEPT_FILE.is_file():
        old = pd.read_csv(KEPT_FILE, dtype={"province_code": str}, parse_dates=["as_of"])
    rows = [old[~old["model"].isin(models)]]
    for model, indicator, fold in _asked(models):
        mark = fingerprint(model, fold.known.readings, fold.questions, fold.known)
        kept = old[(old["model"] == model) & (old["fingerprint"] == mark)]
        if kept.empty:
            table = _fold(model, fold).assign(fingerprint=mark, model=model)
            kept = table.assign(indicator=indicator, fold=fold.name)
            print(model, indicator, fold.name, flush=True)
        rows.append(kept)
        _write([*rows, old[old["model"].isin(models)]])
    table = _write(rows)
    print(f"{len(table)} forecasts in {KEPT_FILE.name}, those of {', '.join(models)} up to date")


def _write(rows: list[pd.DataFrame]) -> pd.DataFrame:
    """Write the table, the first of two rows that answer the same question under one mark."""
    table = pd.concat([one for one in rows if len(one)], ignore_index=True)
    table = table[COLUMNS].round({"z": 5, "sd": 5})
    table = table.drop_duplicates(["model", "fingerprint", "province_code", "as_of"])
    write_table(table.sort_values(COLUMNS[:6], ignore_index=True), KEPT_FILE)
    return table


def _asked(models: list[str]) -> Iterator[tuple[str, str, designs.Fold]]:
    """Every model, indicator and fold that forecasts are kept for."""
    readings, raw = inputs()
    for indicator in _INDICATORS:
        for run in KEPT_RUNS:
            for fold in designs.folds(run, readings, raw, indicator):
                for model in models:
                    if model not in peers.HEALTH_ALONE or indicator == "hi_coverage":
                        yield model, indicator, fold


def _installed(library: str) -> bool:
    found = importlib.util.find_spec(library) is not None
    if not found:
        print(f"{library} is not installed: its kept forecasts stay as they are")
    return found


def _fold(model: str, fold: designs.Fold) -> pd.DataFrame:
    """z and sd (log odds) of each query, and a note; NaN where a model has no answer."""
    if model in _OF_ALL:
        return _of_all(model, fold)
    return _series_by_series(model, fold)


def _of_all(model: str, fold: designs.Fold) -> pd.DataFrame:
    """The answer of a model that sees all provinces at once."""
    asked = fold.questions[["province_code", "as_of"]]
    try:
        z, sd, note = _OF_ALL[model](fold.known.readings, fold.questions, fold.known)
    except peers.PeerFailure as reason:
        return asked.assign(z=np.nan, sd=np.nan, note=f"{peers.REFUSED}{reason}")
    return asked.assign(z=z, sd=sd, note=note)


def _series_by_series(model: str, fold: designs.Fold) -> pd.DataFrame:
    """One fit a province; NaN with a note where its series is too short."""
    train, queries = fold.known.readings, fold.questions
    panel = peers.pick(train, peers.indicator_of(queries), "province_63")
    z, sd = np.full(len(queries), np.nan), np.full(len(queries), np.nan)
    note = np.full(len(queries), "series too short: the last value", dtype=object)
    t = peers.years(queries["as_of"])
    for code, own in panel.groupby("province_code"):
        asked = (queries["province_code"] == code).to_numpy()
        if not asked.any():
            continue
        try:
            found = (
                _prophet(own, queries.loc[asked, "as_of"])
                if model == "prophet"
                else _annual(model, own, t[asked])
            )
        except Exception as error:
            note[asked] = f"refused by the library ({type(error).__name__}): the last value"
            continue
        if found is not None:
            z[asked], sd[asked], note[asked] = found[0], np.hypot(found[1], READING_ERROR), ""
    return queries[["province_code", "as_of"]].assign(z=z, sd=sd, note=note)


def _annual(model: str, own: pd.DataFrame, t: Floats) -> tuple[Floats, Floats] | None:
    """Forecast on a yearly grid that ends at the last reading, read off between its years."""
    at, z = own["t"].to_numpy(), own["z"].to_numpy()
    grid = np.arange(at[-1], at[0] - 1e-9, -1)[::-1]
    if len(grid) < _ENOUGH_YEARS or len(at) < _ENOUGH_READINGS:
        return None
    steps = int(np.ceil(t.max() - at[-1]))
    mean, sd = _statsforecast(model)(np.interp(grid, at, z), steps)
    ahead = np.arange(steps + 1)
    return (
        np.interp(t - at[-1], ahead, np.append(z[-1], mean)),
        np.interp(t - at[-1], ahead, np.append(0.0, sd)),
    )


def _statsforecast(model: str) -> Series:
    from statsforecast.models import AutoARIMA, AutoETS, AutoTheta

    kinds: dict[str, Callable[[], Any]] = {
        "ets": lambda: AutoETS(season_length=1),
        "theta": lambda: AutoTheta(season_length=1),
        "arima": lambda: AutoARIMA(season_length=1),
    }

    def run(y: Floats, steps: int) -> tuple[Floats, Floats]:
        out = kinds[model]().forecast(y=y, h=steps, level=[_ONE_SD])
        low, high = (np.asarray(out[f"{side}-{_ONE_SD}"], float) for side in ("lo", "hi"))
        mean, sd = np.asarray(out["mean"], float), (high - low) / 2
        if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
            raise ArithmeticError("forecast not finite")
        return mean, sd

    return run


def _prophet(own: pd.DataFrame, dates: pd.Series) -> tuple[Floats, Floats] | None:
    """Prophet on the dated readings themselves: a linear trend with its default prior."""
    if len(own) < _ENOUGH_READINGS:
        return None
    from prophet import Prophet

    model = Prophet(
        yearly_seasonality=False,
        weekly_seasonality=False,
        daily_seasonality=False,
        n_changepoints=max(0, min(5, len(own) - 2)),
        interval_width=_ONE_SD / 100,
        uncertainty_samples=1000,
    )
    np.random.seed(1)  # noqa: NPY002  Prophet draws from the global generator
    model.fit(pd.DataFrame({"ds": own["as_of"], "y": own["z"]}), seed=1)
    out = model.predict(pd.DataFrame({"ds": dates.to_numpy()}))
    order = pd.Series(np.arange(len(out)), index=out["ds"]).loc[dates.to_numpy()].to_numpy()
    half = (out["yhat_upper"] - out["yhat_lower"]).to_numpy() / 2
    return out["yhat"].to_numpy()[order], half[order]


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _main()
