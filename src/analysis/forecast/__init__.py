"""Forecasts of coverage: evidence, fit, draws, predictions, and what they mean for the targets."""

from analysis.forecast.draws import Draws, draw
from analysis.forecast.model import Model, model
from analysis.forecast.prediction import predict
from analysis.forecast.space import DEFAULT, FAMILY, Settings

__all__ = ["DEFAULT", "FAMILY", "Draws", "Model", "Settings", "draw", "model", "predict"]
