"""How good the forecasts are: designs, scores, models to beat, ablations, selection.

`designs` says what is hidden, `scores` how a forecast is judged, `peers` what it is judged
against, and `run` puts them together for one model:

    python -m analysis.validation.run --model national --indicator hi_coverage
"""
