"""The level a year before, from a level and its change, where the text says against what."""

import pandas as pd

from analysis.readings.arithmetic import difference, reading, side_by_side


def derive(described: pd.DataFrame) -> pd.DataFrame:
    """Return the readings at the base date of each change, from one and the same source.

    Args:
        described: facts with lower and upper limits; `row` and `source_id` give the lineage.
    """
    table = described.assign(
        reading_id="facts.csv:" + described["row"].astype(str),
        facts=described["row"].astype(str),
        sources=described["source_id"],
        known_on=described["as_of"],
    )
    is_change = table["indicator"].str.endswith("_change")
    changes = table[is_change].copy()
    changes["base"] = base_dates(changes)
    changes["of"] = changes["indicator"].str.removesuffix("_change")
    same = ["geo_level", "province_code", "as_of", "basis", "source_id"]
    levels = table[~is_change].assign(of=table["indicator"])
    m = side_by_side(levels, changes.dropna(subset=["base"]), [*same, "of"])
    m["as_of"] = m["base"]
    found = [
        reading(part, str(name), "", difference(part), "value_less_change").assign(
            basis=part["basis"]
        )
        for name, part in m.groupby("of")
    ]
    made = (
        pd.concat(found, ignore_index=True)
        if found
        else reading(m, "si_participants", "", difference(m), "value_less_change")
    )
    return made[made["value"] > 0]


def base_dates(changes: pd.DataFrame) -> pd.Series:
    """Return what each change is against; missing where the text does not say.

    The column `versus` says it; a year-end figure without it is against the year-end before. Other
    changes may be against the year's start or a year ago, so are not used.
    """
    day = changes["as_of"]
    year_end = (day.dt.month == 12) & (day.dt.day == 31)
    year_before = day - pd.DateOffset(years=1)
    return changes["versus"].where(changes["versus"].notna(), year_before.where(year_end))
