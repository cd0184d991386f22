"""How the numbers of a forecast are written, on the front page and in a brief alike."""

#: Column of a table -> type of :func:`analysis.wording.write`.
FORMATS = {
    "value": "printed",
    "as_of": "short_date",
    "q50": "percent1",
    "q10": "percent1",
    "q90": "percent1",
    "official_q50": "percent1",
    "target": "goal",
    "distance": "signed1",
    "p_meets_reported": "chance",
    "p_meets_official": "chance",
    "persons_month_50": "rounded",
    "persons_month_80": "rounded",
    "expected_persons_month": "rounded",
    "best_year_persons_month": "rounded",
    "best_year": "year",
    "newer_target": "goal",
    "newer_announced": "short_date",
    "newer_chance": "chance",
    "origin": "short_date",
    "due": "short_date",
}

#: The country's own chances were scored often enough to be shown in whole percent.
WHOLE = {"p_meets_reported": "probability", "p_meets_official": "probability"}
