"""Inference for few clusters: robust variances, resampling tests, specification curves, power.

Everything takes and returns plain numpy arrays; a cluster is a province almost everywhere in
this project. Rows may come in any order: clusters are found by label.
"""

from analysis.inference.bootstrap import WildTest, webb_weights, wild_cluster_test
from analysis.inference.cluster import covariance, standard_errors
from analysis.inference.components import Components, components_shares, fit_components
from analysis.inference.least_squares import FewClusters, Fit, SingularDesign, fit_least_squares
from analysis.inference.multiple import benjamini_hochberg
from analysis.inference.power import minimum_detectable_effect, rejection_rates
from analysis.inference.randomisation import RandomisationTest, permute_exposure
from analysis.inference.specification_curve import Curve, Specification, run_curve
from analysis.inference.table import COLUMNS, estimate_rows

__all__ = [
    "COLUMNS",
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
