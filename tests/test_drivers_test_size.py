"""Tests on the real designs reject about one time in twenty where there is nothing to find."""

import numpy as np
import pytest
from driver_data import exposure, raw, readings, samples

from analysis.drivers import growth, policy
from analysis.inference import rejection_rates
from analysis.late_payment import data, levels
from analysis.seeds import generator

pytestmark = pytest.mark.xdist_group("drivers")


def rates(design, panels, draws):
    choices = growth.Choices(design=design)
    built = samples().design("hi_coverage", choices)
    return rejection_rates(
        built.X,
        built.names,
        built.clusters,
        policy.TERM,
        generator("test", "size", design),
        panels,
        draws,
        absorb=built.absorb,
    )


@pytest.mark.parametrize("design", growth.GROWTH_DESIGNS)
def test_cr3_and_the_wild_bootstrap_hold_their_size(design):
    found = rates(design, panels=400, draws=199)
    assert 0.02 <= found["CR3"] <= 0.09
    assert 0.02 <= found["wild"] <= 0.09
    assert found["CR1_normal"] > found["CR3"]


@pytest.mark.slow
@pytest.mark.parametrize("design", growth.GROWTH_DESIGNS)
def test_size_with_many_panels(design):
    found = rates(design, panels=3000, draws=399)
    assert 0.02 <= found["CR3"] <= 0.09
    assert 0.02 <= found["wild"] <= 0.09


@pytest.mark.slow
def test_size_on_the_design_of_late_payment():
    rows = levels.usable_rates(data.late_rows(readings(), raw()))
    X, names = levels.level_design(rows)
    x = exposure()["urban"].reindex(rows["province_code"]).to_numpy()
    found = rejection_rates(
        np.column_stack([x, X]),
        ("urban", *names),
        rows["province_code"].to_numpy(dtype=str),
        "urban",
        generator("test", "size", "late"),
        panels=2000,
        draws=299,
    )
    assert 0.02 <= found["CR3"] <= 0.09
