"""How the numbers of a forecast are written, on the front page and in a brief alike."""

#: Column of a table -> type of :func:`analysis.wording.write`.
FORMATS = {
    "value": "printed",
    "as_of": "short_date",
    "q50": "percent1",
    "q10": "percent1",
    "q90": "percent1",
    "target": "printed",
    "p_meets_reported": "probability",
    "p_meets_official": "probability",
    "persons_month_50": "rounded",
    "persons_month_80": "rounded",
    "best_year_persons_month": "rounded",
    "best_year": "year",
}
