"""Inference for few clusters: robust variances, resampling tests, specification curves, power.

Everything takes and returns plain numpy arrays; a cluster is a province almost everywhere in
this project. Rows may come in any order: clusters are found by label.
"""

from analysis.inference.components import Components, components_shares, fit_components
from analysis.inference.regression import (
    FewClusters,
    Fit,
    SingularDesign,
    covariance,
    fit_least_squares,
    standard_errors,
)
from analysis.inference.resampling import (
    RandomisationTest,
    WildTest,
    benjamini_hochberg,
    minimum_detectable_effect,
    permute_exposure,
    rejection_rates,
    webb_weights,
    wild_cluster_test,
)
from analysis.inference.specification_curve import (
    CURVE_COLUMNS,
    Curve,
    Specification,
    estimate_rows,
    run_curve,
)

__all__ = [
    "CURVE_COLUMNS",
    "Components",
    "Curve",
    "FewClusters",
    "Fit",
    "RandomisationTest",
    "SingularDesign",
    "Specification",
    "WildTest",
    "benjamini_hochberg",
    "components_shares",
    "covariance",
    "estimate_rows",
    "fit_components",
    "fit_least_squares",
    "minimum_detectable_effect",
    "permute_exposure",
    "rejection_rates",
    "run_curve",
    "standard_errors",
    "webb_weights",
    "wild_cluster_test",
]
