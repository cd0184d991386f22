"""The coverage model for any number of units: districts, communes, months.

Given what units share, units are independent, so that cost grows with their number and not with
its cube. The likelihood, the fit and the forecasts are those of the dense code.
"""

from analysis_panels.draws import LargeDraws, draw_large
from analysis_panels.fit import LargeFit, fit_large
from analysis_panels.panel import PanelError, TooManyWays, panel
from analysis_panels.predict import predict_large

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
