"""A family's model, ready to answer: what was known, the posterior, and the pull of targets."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.disk_cache import cached
from analysis.forecast.bands import UNSCALED, Scales, scales
from analysis.forecast.evidence import Evidence, evidence
from analysis.forecast.fit import Fit, fit
from analysis.forecast.known import Known
from analysis.forecast.posterior import Posterior, posterior
from analysis.forecast.pull import Pulls, pulls
from analysis.forecast.space import DEFAULT, FAMILY, Settings

#: Indicators of one family share a model; it is kept under the first of them.
_FIRST = {family: name for name, family in reversed(FAMILY.items())}


@dataclass(frozen=True)
class Model:
    """Everything that forecasts of one family of indicators rest on."""

    known: Known
    posterior: Posterior
    pulls: Pulls
    scales: Scales = UNSCALED

    @property
    def fit(self) -> Fit:
        """The fitted standard deviations and what they were fitted to."""
        return self.posterior.fit

    @property
    def evidence(self) -> Evidence:
        """The readings and targets behind the fit."""
        return self.posterior.fit.evidence


def kept_model(known: Known, indicator: str, settings: Settings = DEFAULT) -> Model:
    """`model`, kept on disk: chapters and commands ask for the same one again and again."""
    return _kept_model(known, _FIRST.get(FAMILY.get(indicator, ""), indicator), settings)


@cached
def _kept_model(known: Known, indicator: str, settings: Settings) -> Model:
    return model(known, indicator, settings)


def model(known: Known, indicator: str, settings: Settings = DEFAULT) -> Model:
    """Gather evidence, fit, and condition, for the family of `indicator`.

    Raises:
        EvidenceError, ValueError: the evidence cannot carry a forecast.
        NonConvergence: the fit has no top within reach.
    """
    fitted = fit(evidence(known, indicator, settings))
    return Model(known, posterior(fitted), pulls(fitted, known), scales(fitted, known))
