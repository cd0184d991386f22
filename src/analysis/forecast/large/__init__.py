"""The coverage model for any number of units: districts, communes, months.

Given what units share, units are independent, so that cost grows with their number and not with
its cube. The likelihood, the fit and the forecasts are those of the dense code.
"""

from analysis.forecast.large.draws import LargeDraws, draw_large
from analysis.forecast.large.fit import LargeFit, fit_large
from analysis.forecast.large.layout import TooManyWays
from analysis.forecast.large.panel import PanelError, panel
from analysis.forecast.large.predict import predict_large

__all__ = [
    "LargeDraws",
    "LargeFit",
    "PanelError",
    "TooManyWays",
    "draw_large",
    "fit_large",
    "panel",
    "predict_large",
]
