"""Randomisation inference against a literal loop over dealt exposures."""

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.inference import SingularDesign, permute_exposure


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


@pytest.mark.parametrize("controlled", [True, False])
def test_without_effects_of_clusters_the_level_of_each_stays(controlled):
    rng = np.random.default_rng(12)
    codes = np.repeat(np.arange(6), 4)
    step, exposure = np.tile([0.0, 0.0, 1.0, 1.0], 6), rng.normal(size=6)
    y = rng.normal(size=24) + step * exposure[codes]
    controls = np.column_stack([np.ones(24), step]) if controlled else np.empty((24, 0))
    ours = permute_exposure(
        y, controls, [step], exposure, codes, np.random.default_rng(2), draws=30, absorb=False
    )
    dealer = np.random.default_rng(2)
    dealt = [exposure, *(dealer.permutation(exposure) for _ in range(30))]
    fits = [sm.OLS(y, np.column_stack([step * one[codes], controls])).fit() for one in dealt]
    size = np.abs([fit.params[0] for fit in fits])
    assert ours.estimate == pytest.approx(fits[0].params[0])
    assert ours.p_coefficient == pytest.approx((size >= size[0] - 1e-12).mean())
    assert ours.draws == 30
    scores = np.zeros(6)
    np.add.at(scores, codes, fits[0].model.pinv_wexog[0] * fits[0].resid)
    assert ours.t == pytest.approx(fits[0].params[0] / np.sqrt((scores**2).sum()))


def test_controls_that_say_the_same_are_named():
    step = np.tile([0.0, 1.0], 6)
    codes = np.repeat(np.arange(3), 4)
    twice = np.column_stack([step, step])
    with pytest.raises(SingularDesign, match="singular at 'control 2'"):
        permute_exposure(
            step, twice, [step], np.arange(3.0), codes, np.random.default_rng(1), draws=2
        )
