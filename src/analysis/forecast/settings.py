"""The ingredients, time constants and prior widths of the coverage model: every choice, once.

A family is a set of indicators that share one model: `health` (hi_coverage) and `labour`
(si_coverage and ui_coverage, which count overlapping groups of workers).
"""

from __future__ import annotations

from dataclasses import dataclass

#: The indicators that are forecast, with their family.
FAMILY = {"hi_coverage": "health", "si_coverage": "labour", "ui_coverage": "labour"}

#: Covariates of the level, by family: column of `covariates.table`, and how it is scaled.
LEVEL_COVARIATES = {
    "health": {"minority_share": "root", "income_month": "log", "urban_share": "log"},
    "labour": {"income_month": "log", "urban_share": "log", "wage_share": "plain"},
}


@dataclass(frozen=True)
class Settings:
    """Switches (one an ingredient, for the ablations) and constants of the model.

    Time constants are in years. They are fixed, not estimated: a few hundred readings say
    little about them, and the forecasts hardly move when one is halved or doubled.
    """

    targets: bool = True
    covariates: bool = True
    step_2021: bool = True
    sawtooth: bool = True
    nationwide: bool = True
    regions: bool = True
    participants: bool = True
    pull: bool = True
    #: What version 2 adds to version 1 (see docs/methods.md): a heap as narrow as past year-ends
    #: have it; targets whose number is unknown; a pull that stays for a while after its day; bands
    #: as wide as past errors of their kind.
    narrow_heap: bool = True
    unknown_targets: bool = True
    carried: bool = True
    scaled: bool = True

    slope_memory: float = 3.0
    #: Differences between provinces close where coverage nears 100 percent; in the labour family
    #: they last.
    level_memory_health: float = 15.0
    level_memory_labour: float = 100.0
    covariate_memory_health: float = 10.0
    covariate_memory_labour: float = 100.0
    deviation_memory: float = 2.0
    step_memory: float = 3.0
    season_power: float = 2.0
    #: The last quarter: enrolment campaigns run up to the day on which plans are settled.
    push_length: float = 0.25
    #: How far a reported value lies from an announced target, in points: the unit's own part by
    #: family, and the part that all units share in a year.
    target_error_health: float = 1.5
    target_error_labour: float = 3.0
    target_error_shared: float = 0.5
    #: Years over which what a target has moved fades after its day.
    carry_memory: float = 1.0
    #: Points on the posterior of the standard deviations that draws and forecasts average over.
    parameter_draws: int = 16
    #: Rounds of linearising, at the most; it ends when nothing moves.
    linearisations: int = 100

    def level_memory(self, family: str) -> float:
        """Years in which a lasting difference between provinces falls to 37 percent."""
        return self.level_memory_health if family == "health" else self.level_memory_labour

    def covariate_memory(self, family: str) -> float:
        """The same for differences that go with covariates."""
        return self.covariate_memory_health if family == "health" else self.covariate_memory_labour

    def target_error(self, family: str) -> float:
        """The unit's own part of the distance from a target, in points."""
        return self.target_error_health if family == "health" else self.target_error_labour


#: The settings of the published forecasts.
DEFAULT = Settings()
#: The first version as it was, for comparison.
VERSION_1 = Settings(narrow_heap=False, unknown_targets=False, carried=False, scaled=False)
VERSIONS = {1: VERSION_1, 2: DEFAULT}

#: Prior median and width (on the log scale) of each standard deviation. On the logit scale,
#: but for `error_*`, which are in percentage points.
PRIORS = {
    "nationwide_level": (1.0, 0.01),
    "nationwide_slope": (0.10, 0.3),
    "nationwide_walk": (0.10, 0.3),
    "nationwide_momentum": (0.15, 0.5),
    "region": (0.30, 0.5),
    "province": (0.45, 0.5),
    "deviation": (0.25, 0.5),
    "covariate": (0.25, 0.7),
    "season": (0.35, 0.5),
    "season_year": (0.15, 0.5),
    "season_province": (0.10, 0.3),
    "push": (0.10, 0.5),
    "push_year": (0.15, 0.5),
    "step": (1.0, 0.5),
    "step_province": (0.45, 0.5),
    "persons_offset": (0.25, 0.3),
    "persons_province": (0.22, 0.5),
    "country_offset": (0.10, 0.5),
    "old_base": (0.12, 0.3),
    "country_old_base": (0.08, 0.3),
    "voluntary_season": (0.15, 0.5),
    "voluntary_season_year": (0.10, 0.5),
    "ui_level": (0.50, 0.3),
    "ui_slope": (0.03, 0.5),
    "ui_walk": (0.05, 0.5),
    "ui_province": (0.20, 0.5),
    "error_coverage": (1.5, 0.5),
    "error_persons": (1.0, 0.5),
    "error_compulsory": (1.5, 0.5),
    "error_country": (0.2, 0.3),
    "error_country_persons": (0.5, 0.3),
}
