"""Randomisation inference against a literal loop over dealt exposures."""

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.inference import permute_exposure


def test_permutation_equals_the_literal_loop():
    rng = np.random.default_rng(11)
    codes = np.repeat(np.arange(8), 5)
    time = np.tile(np.arange(5.0), 8)
    step = (time >= 3).astype(float)
    exposure = rng.normal(size=8)
    controls = np.column_stack([step, time])
    y = rng.normal(size=8)[codes] - 0.6 * step * exposure[codes] + rng.normal(size=40)

    ours = permute_exposure(
        y, controls, [step, time], exposure, codes, np.random.default_rng(2), draws=60
    )
    dealer, dummies = np.random.default_rng(2), np.eye(8)[codes]

    def literal(dealt):
        columns = [step * dealt[codes], time * dealt[codes], controls, dummies]
        fit = sm.OLS(y, np.column_stack(columns)).fit()
        scores = np.zeros(8)
        influence = fit.model.pinv_wexog[0]
        np.add.at(scores, codes, influence * fit.resid)
        return fit.params[0], fit.params[0] / np.sqrt((scores**2).sum())

    actual = literal(exposure)
    drawn = np.array([literal(dealer.permutation(exposure)) for _ in range(60)])
    assert ours.estimate == pytest.approx(actual[0])
    assert ours.t == pytest.approx(actual[1])
    assert ours.p == pytest.approx((1 + (abs(drawn[:, 1]) >= abs(actual[1])).sum()) / 61)
    beyond = (abs(drawn[:, 0]) >= abs(actual[0])).sum()
    assert ours.p_coefficient == pytest.approx((1 + beyond) / 61)


def test_permutation_holds_its_size_without_effect():
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(20), 4)
    step = np.tile([0.0, 0.0, 1.0, 1.0], 20)
    p = []
    for _ in range(200):
        y = rng.normal(size=20)[codes] + rng.normal(size=80)
        exposure = rng.normal(size=20)
        p.append(permute_exposure(y, step[:, None], [step], exposure, codes, rng, 99).p)
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.09
