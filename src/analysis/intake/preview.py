"""What new rows would change: readings, conflicts and forecasts, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.country.indicators import INDICATORS
from analysis.disk_cache import cached
from analysis.facts import Raw
from analysis.forecast import DEFAULT, FAMILY
from analysis.forecast.known import Known, known_at
from analysis.forecast.outlook import outlooks
from analysis.forecast.prediction import predict
from analysis.forecast.tables import ENOUGH, chance, read_share, units_of
from analysis.readings import KEY, build_readings
from analysis.readings.store import filled
from analysis.readings.targets import due_on, targets
from analysis.report.wording import has, say, write

_SHOWN = ["value", "lower", "upper", "rule", "kind_of_evidence"]
#: Forecasts that move by less, in points and in probability, are counted and not listed.
SMALL_POINTS, SMALL_CHANCE = 0.05, 0.01
#: A figure outside this band of what was expected is named; so is one of persons that is so many
#: times the unit's nearest figure, or so many times smaller.
EXPECTED_BAND = ("q0.01", "q0.99")
FAR_PERSONS = 1.67
#: Forecasts are shown for no earlier day.
FIRST_DUE = pd.Timestamp(2025, 12, 31)


@dataclass(frozen=True)
class Preview:
    """What changes.

    readings: one row a reading that is new, changed or gone: change, key, value and rule before
    and after. forecasts: one row a unit and indicator: q10, q50, q90 and probability before and
    after, in percent and as shares; the probability is missing where the report gives none, since
    the unit's own evidence does not carry one. origin, due: of these forecasts. conflicts: the
    figures after the change of every reading that is new or changed and rests on more than one
    value or on none. surprises: the new readings that are far from what was expected without
    them: key, value, low, middle and high.
    """

    readings: pd.DataFrame
    forecasts: pd.DataFrame
    origin: str
    due: str
    conflicts: pd.DataFrame
    surprises: pd.DataFrame

    def moved(self) -> pd.DataFrame:
        """The forecasts that move by more than a rounding, largest first."""
        table = self.forecasts
        points = (table["q50_after"] - table["q50_before"]).abs()
        chance = (table["p_after"] - table["p_before"]).abs().fillna(0)
        given = table["p_before"].notna() != table["p_after"].notna()
        kept = table[(points >= SMALL_POINTS) | (chance >= SMALL_CHANCE) | given]
        order = (points + 100 * chance).loc[kept.index].sort_values(ascending=False, kind="stable")
        return kept.loc[order.index]


def preview(before: Raw, after: Raw, indicators: list[str] | None = None) -> Preview:
    """Compare readings and forecasts on two sets of raw tables.

    Args:
        indicators: those of the new rows; only forecasts of their families are made anew. None:
            all that are forecast.
    """
    built = [build_readings(raw) for raw in (before, after)]
    old, new = (one.readings for one in built)
    last = max(old["as_of"].max(), new["as_of"].max()) + pd.offsets.MonthEnd(0)
    due = due_after(last)
    origin, ends = f"{last:%Y-%m-%d}", f"{due:%Y-%m-%d}"
    sides = [
        known_at(filled(t), raw, last, targets(raw)) for t, raw in ((old, before), (new, after))
    ]
    rows = [_forecasts(side, tuple(_families(indicators)), due) for side in sides]
    keys = ["geo_level", "province_code", "indicator"]
    both = rows[0].merge(rows[1], on=keys, how="outer", suffixes=("_before", "_after"))
    changed = changed_readings(old, new)
    disputed = _new_conflicts(built[0].conflicts, built[1].conflicts, changed)
    surprises = pd.concat(
        [_surprising_rates(before, old, changed), surprising_persons(old, changed)]
    )
    return Preview(changed, both, origin, ends, disputed, surprises)


def _new_conflicts(old: pd.DataFrame, new: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """The conflicts of readings that change, and those that leave a date without a reading."""
    what = [*KEY, "value", "outcome", "source_id"]
    both = new[what].merge(old[what].drop_duplicates(), on=what, how="left", indicator=True)
    unseen = new[(both["_merge"] == "left_only").to_numpy()]
    keys = pd.concat([changed[KEY], unseen[KEY]]).drop_duplicates()
    return new.merge(keys, on=KEY)


def _surprising_rates(before: Raw, old: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """New coverage rates outside the band that was forecast without them, with that band.

    Each is asked from the day before the first new figure of its year, so one fit serves a year.
    """
    asked = _fresh(changed)
    asked = asked[asked["indicator"].isin(FAMILY) & (asked["basis"] == "")]
    found = []
    for _, rows in asked.groupby(asked["as_of"].dt.year):
        known = known_at(filled(old), before, rows["as_of"].min() - pd.Timedelta(days=1))
        try:
            bands = predict(known, rows[KEY])
        except ValueError:
            continue  # so early, or so rare, that nothing is known to expect it from
        low, middle, high = (bands[name] for name in (EXPECTED_BAND[0], "q0.50", EXPECTED_BAND[1]))
        far = (rows["value_after"] < low) | (rows["value_after"] > high)
        found.append(rows.assign(low=low, middle=middle, high=high)[far])
    return _as_surprises(found)


def surprising_persons(old: pd.DataFrame, changed: pd.DataFrame) -> pd.DataFrame:
    """New numbers of persons far from the unit's nearest number, which stands as the middle."""
    asked = _fresh(changed)
    counted = [name for name, one in INDICATORS.items() if one.unit == "persons"]
    asked = asked[asked["indicator"].isin(counted)].sort_values("as_of")
    same = ["geo_level", "province_code", "indicator", "basis"]
    printed = old[old["kind_of_evidence"] == "published"].sort_values("as_of")
    nearest = pd.merge_asof(
        asked,
        printed[[*same, "as_of", "value"]].rename(columns={"value": "middle"}),
        on="as_of",
        by=same,
        direction="nearest",
        tolerance=pd.Timedelta(days=3 * 365),
    )
    nearest = nearest.assign(low=nearest["middle"] / FAR_PERSONS,
                             high=nearest["middle"] * FAR_PERSONS)  # fmt: skip
    value = nearest["value_after"]
    return _as_surprises([nearest[(value < nearest["low"]) | (value > nearest["high"])]])


def _fresh(changed: pd.DataFrame) -> pd.DataFrame:
    """Printed readings that are new or changed."""
    there = changed["change"].isin(["new", "changed"])
    return changed[there & (changed["kind_of_evidence_after"] == "published")]


def _as_surprises(found: list[pd.DataFrame]) -> pd.DataFrame:
    columns = [*KEY, "value_after", "low", "middle", "high"]
    if not found:
        return pd.DataFrame(columns=columns)
    return pd.concat(found, ignore_index=True)[columns]


def due_after(newest: pd.Timestamp) -> pd.Timestamp:
    """The first year-end after the newest figure, which is the one that the report speaks of."""
    return max(FIRST_DUE, newest + pd.offsets.YearEnd(1))


def _families(indicators: list[str] | None) -> list[str]:
    """The forecast indicators whose model sees any of the indicators given."""
    if indicators is None:
        return list(FAMILY)
    starts = {name.split("_")[0] for name in indicators}
    families = {family for name, family in FAMILY.items() if name.split("_")[0] in starts}
    return [name for name, family in FAMILY.items() if family in families]


def changed_readings(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the readings that are new, changed or gone; see `Preview.readings`."""
    both = old[[*KEY, *_SHOWN]].merge(
        new[[*KEY, *_SHOWN]], on=KEY, how="outer", suffixes=("_before", "_after"), indicator=True
    )
    same = np.logical_and.reduce(
        [both[f"{name}_before"].eq(both[f"{name}_after"]) for name in ("value", "lower", "upper")]
    )
    change = (
        both["_merge"]
        .astype(str)
        .map({"left_only": "gone", "right_only": "new", "both": "changed"})
    )
    kept = both.assign(change=change)[~same].drop(columns="_merge")
    return kept.sort_values(["kind_of_evidence_after", "change", *KEY], ignore_index=True)


@cached
def _forecasts(known: Known, indicators: tuple[str, ...], due: pd.Timestamp) -> pd.DataFrame:
    """One row a unit and indicator: q10, q50, q90 and the chance, as chapter 05 has them."""
    rows = []
    for name, own in outlooks(known, indicators, due.year).items():
        shares, held = read_share(known, own, DEFAULT), due_on(own.targets, name, due)
        for unit in [unit for unit in units_of(own) if unit[0] != "region"]:
            values = own.of(*unit, "reported")[:, own.at(due)]
            try:
                target = held.held_by(*unit).value
            except KeyError:
                target = float("nan")
            met = chance(values, target, shares[unit] >= ENOUGH)
            rows.append((*unit, name, *np.quantile(values, [0.1, 0.5, 0.9]).tolist(), met))
    keys = ["geo_level", "province_code", "indicator"]
    return pd.DataFrame(rows, columns=[*keys, "q10", "q50", "q90", "p"])


# --------------------------------------------------------------------------------------------------
# A preview in words, for a terminal.
# --------------------------------------------------------------------------------------------------

LINES = 12
_NONE = say("verdict.not_enough_evidence", "en")


def lines(preview: Preview) -> list[str]:
    """Return the preview as lines of text: readings first, then forecasts."""
    return [
        *_reading_lines(preview.readings),
        *_surprises(preview.surprises),
        *_conflicts(preview.conflicts),
        "",
        *_forecast_lines(preview),
    ]


def _reading_lines(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return ["Readings: none changes."]
    counts = ", ".join(f"{n} {change}" for change, n in table["change"].value_counts().items())
    told = [f"Readings: {counts}."]
    told += [f"  {_reading(row)}" for row in table.head(LINES).to_dict("records")]
    if len(table) > LINES:
        told.append(f"  ... and {len(table) - LINES} more")
    return told


def _reading(row: dict) -> str:
    unit = geography.name(row["province_code"], row["geo_level"])
    day = f"{row['as_of']:%Y-%m-%d}"
    basis = f" ({row['basis']})" if row["basis"] else ""
    values = [_value(row, side) for side in ("before", "after") if pd.notna(row[f"value_{side}"])]
    rule = row["rule_after"] if isinstance(row["rule_after"], str) else row["rule_before"]
    key = f"{unit}, {row['indicator']}{basis}, {day}"
    return f"{row['change']:<8} {key}: {' -> '.join(values)}, {_rule(rule)}"


def _surprises(table: pd.DataFrame) -> list[str]:
    """The figures to look at again before they are written."""
    if table.empty:
        return []
    told = ["Look at these again: a slip of the pen, another unit or another indicator?"]
    for row in table.head(LINES).to_dict("records"):
        unit = geography.name(row["province_code"], row["geo_level"])
        basis = f" ({row['basis']})" if row["basis"] else ""
        key = f"{unit}, {row['indicator']}{basis}, {row['as_of']:%Y-%m-%d}"
        if INDICATORS[row["indicator"]].unit == "persons":
            told.append(
                f"  {key}: {row['value_after']:.0f}; the nearest figure of the unit is "
                f"{row['middle']:.0f}"
            )
        else:
            told.append(
                f"  {key}: {row['value_after']:.10g}%; without it, {row['middle']:.1f}% is to be "
                f"expected, 98 times in 100 between {row['low']:.1f}% and {row['high']:.1f}%"
            )
    if len(table) > LINES:
        told.append(f"  ... and {len(table) - LINES} more")
    return told


def _rule(name: str) -> str:
    return say(f"rule.{name}", "en") if has(f"rule.{name}") else name


def _printed(day: pd.Timestamp) -> str:
    return "no date" if pd.isna(day) else f"{day:%Y-%m-%d}"


def _conflicts(table: pd.DataFrame) -> list[str]:
    """Which figure is taken where several stand, by which rule; all of them stay on record."""
    if table.empty:
        return []
    groups = [group for _, group in table.groupby(KEY, sort=False)
              if not set(group["outcome"]) <= {"accepted", "agrees"}]  # fmt: skip
    if not groups:
        return []
    told = ["Figures that contradict each other (all stay in conflicts.csv, by these rules):"]
    for group in groups[:LINES]:
        first = group.iloc[0]
        unit = geography.name(first["province_code"], first["geo_level"])
        figures = "; ".join(
            f"{row['value']:.10g} of {row['source_id']} ({_printed(row['published_on'])}) "
            f"{row['outcome'].replace('_', ' ')}"
            for row in group.sort_values("published_on").to_dict("records")
        )
        day = f"{first['as_of']:%Y-%m-%d}"
        told.append(f"  {unit}, {first['indicator']}, {day}: {figures}; {_rule(first['rule'])}")
    if len(groups) > LINES:
        told.append(f"  ... and {len(groups) - LINES} more")
    return told


def _value(row: dict, side: str) -> str:
    value, lower, upper = (row[f"{part}_{side}"] for part in ("value", "lower", "upper"))
    if INDICATORS[row["indicator"]].unit == "persons":
        return f"{value:.0f} [{lower:.0f}, {upper:.0f}]"
    return f"{value:.10g} [{lower:.10g}, {upper:.10g}]"


def _forecast_lines(preview: Preview) -> list[str]:
    if preview.forecasts.empty:
        return ["Forecasts: none rests on these indicators."]
    moved = preview.moved()
    head = f"Forecasts for {preview.due}, known on {preview.origin}, as they will be reported: "
    rest = len(preview.forecasts) - len(moved)
    limits = f"{SMALL_POINTS} points and {SMALL_CHANCE:.0%} probability"
    if moved.empty:
        return [f"{head}none of {rest} moves by {limits}."]
    told = [f"{head}{len(moved)} move, {rest} by less than {limits}."]
    told += [f"  {_forecast(row)}" for row in moved.head(LINES).to_dict("records")]
    if len(moved) > LINES:
        told.append(f"  ... and {len(moved) - LINES} more")
    return told


def _forecast(row: dict) -> str:
    unit = geography.name(row["province_code"], row["geo_level"])
    after_merger = " (after the merger)" if row["geo_level"] == "province_34" else ""
    told = f"{unit}{after_merger}, {row['indicator']}: "
    told += f"{row['q50_before']:.1f}% [{row['q10_before']:.1f}, {row['q90_before']:.1f}] -> "
    told += f"{row['q50_after']:.1f}% [{row['q10_after']:.1f}, {row['q90_after']:.1f}]"
    chances = [row["p_before"], row["p_after"]]
    if any(map(pd.notna, chances)):
        given = [write(one, "probability", "en") if pd.notna(one) else _NONE for one in chances]
        told += f"; target met: {given[0]} -> {given[1]}"
    return told
