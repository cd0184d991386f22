"""What every notebook would do at its first sentence and its first chart, done once beforehand.

Reading the phrases, loading the rules of a language for numbers and dates, and finding fonts take
longer than most cells; so does checking the raw tables. The prepared process does all this before
it forks; what it leaves behind are tables in memory, those of the raw files found by their content,
which depend on nothing that a notebook does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from analysis import disk_cache
from analysis.figures import vector

_SPECS = ("percent1", "number1", "integer", "rounded", "probability", "date", "short_date")


def rehearse(modules: Collection[str]) -> None:
    """Rehearse what `modules`, which are imported, will be used for."""
    _know_the_code(modules)
    if "analysis.report.wording" in modules:
        _speak()
    if "analysis.figures.style" in modules:
        _draw()
    if "analysis.facts.load" in modules:
        _check_the_raw_tables()


def _know_the_code(modules: Collection[str]) -> None:
    """Find out once what results on disk are known by: which code uses which, and its content."""
    disk_cache.fingerprint(name for name in modules if disk_cache.module_file(name))
    disk_cache.library_versions()


def _speak() -> None:
    from analysis.report import wording
    from analysis.report.wording import catalogue

    for language in wording.LANGUAGES:
        catalogue(language)
        for spec in _SPECS:
            value = dt.date(2025, 1, 1) if "date" in spec else 0.5
            wording.write(value, spec, language)


def _check_the_raw_tables() -> None:
    """Read and check the raw tables; a notebook whose files have the same content need not."""
    from analysis.country import geography
    from analysis.facts import load_raw

    geography.merged()
    load_raw()
    # What was read stays known by its content; each notebook opens the file that it was given.
    for table in (geography.provinces, geography.merged):
        table.cache_clear()


def _draw() -> None:
    """Draw a small chart with every weight of the font, as a notebook shows it."""
    import pandas as pd

    from analysis.figures import style
    from analysis.report.results import Result

    drawing = style.blank(2, 2)
    axes = drawing.subplots()
    axes.errorbar([0, 1], [0, 1], [0.1, 0.1], fmt="o", label="Đ")
    axes.fill_between([0, 1], [0, 1], hatch="//")
    style.direct_label(axes, 0, 0, "ệ", vector.INK)
    style.headline(drawing, "A")
    style.footer(drawing, "a")
    table = pd.DataFrame({"indicator": ["hi_coverage"], "value": [50.0]})
    style.Figure("rehearsal", drawing, "-", table)._repr_mimebundle_()
    result = Result("rehearsal", table, formats={"value": "percent1"})
    result.written("en").to_string(index=False)
    result.html("en")
    result.csv()
