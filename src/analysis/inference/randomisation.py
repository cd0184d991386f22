"""Randomisation inference: what if the exposure had fallen on other provinces?

The exposure (say, the minority share) is dealt out again among the provinces, everything else
stays, and the coefficient is computed anew. The p-value is exact under the sharp hypothesis that
exposure does nothing (Young 2019); the t statistic is permuted rather than the coefficient, as it
stays valid for larger samples when provinces differ in their noise (Wu and Ding 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.inference.least_squares import Array, check_full_rank, sums_by, within


@dataclass(frozen=True)
class RandomisationTest:
    """Actual coefficient and t statistic of the exposure, with permutation p-values."""

    estimate: float
    t: float
    p: float
    p_coefficient: float
    draws: int


def _residualise(values: Array, controls: Array, codes: NDArray[np.int64], absorb: bool) -> Array:
    """What is left of each column of ``values`` after cluster effects and controls."""
    groups = int(codes.max()) + 1
    if absorb:
        values = within(values, codes, groups)
        controls = within(controls, codes, groups) if controls.size else controls
    if not controls.size:
        return values
    check_full_rank(controls, [f"control {i + 1}" for i in range(controls.shape[1])])
    return values - controls @ np.linalg.lstsq(controls, values, rcond=None)[0]


def _coefficients(
    carried: list[Array], y: Array, exposures: Array, codes: NDArray[np.int64]
) -> tuple[Array, Array]:
    """First coefficient and its cluster-robust t for each dealt exposure.

    ``carried`` holds, for each step, the residualised columns (n, G) that one unit of exposure
    in each province adds; ``exposures`` is (draws, G).
    """
    columns = np.stack([exposures @ c.T for c in carried], axis=2)  # (draws, n, steps)
    gram = np.einsum("dnk,dnl->dkl", columns, columns)
    beta = np.linalg.solve(gram, (columns.transpose(0, 2, 1) @ y)[:, :, None])[:, :, 0]
    residuals = y - np.einsum("dnk,dk->dn", columns, beta)
    influence = np.einsum("dnk,dk->dn", columns, np.linalg.inv(gram)[:, 0, :])
    scores = sums_by(codes, (influence * residuals).T, int(codes.max()) + 1)
    return beta[:, 0], beta[:, 0] / np.sqrt((scores**2).sum(axis=0))


def permute_exposure(
    y: Array,
    controls: Array,
    steps: list[Array],
    exposure: Array,
    codes: NDArray[np.int64],
    rng: np.random.Generator,
    draws: int = 1999,
    absorb: bool = True,
) -> RandomisationTest:
    """Test the coefficient of ``steps[0]`` x exposure by dealing out the exposure again.

    ``y`` (n,), ``controls`` (n, k), each step (n,), ``exposure`` (G,) by cluster code. All
    steps are multiplied by the same dealt exposure, so a trend by exposure moves with it.
    Raises SingularDesign when the controls are collinear.
    """
    groups = len(exposure)
    own = np.eye(groups)[codes]
    left = _residualise(np.asarray(y, float)[:, None], controls, codes, absorb)[:, 0]
    carried = [_residualise(own * s[:, None], controls, codes, absorb) for s in steps]
    dealt = np.stack([exposure, *(rng.permutation(exposure) for _ in range(draws))])
    beta, t = _coefficients(carried, left, dealt, codes)
    p, p_coefficient = (
        float((np.abs(v) >= abs(v[0]) * (1 - 1e-12)).sum() / len(v)) for v in (t, beta)
    )
    return RandomisationTest(float(beta[0]), float(t[0]), p, p_coefficient, draws)
