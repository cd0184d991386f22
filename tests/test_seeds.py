"""Random numbers depend on the name of their purpose and on nothing else."""

import numpy as np
import pytest

from analysis import seeds


def test_the_same_name_gives_the_same_numbers_on_every_machine():
    assert seeds.seed("draws", "hi_coverage") == 49229647880399404501463846420335140425
    numbers = seeds.generator("draws", "hi_coverage").normal(size=3)
    assert numbers.tolist() == pytest.approx([-0.673871768, -1.763830775, 0.511964693], abs=1e-9)


def test_other_names_other_orders_and_other_types_give_other_numbers():
    names = [("a", "b"), ("b", "a"), ("ab",), ("a\x1fb",), (1,), ("1",), ("a",)]
    assert len({seeds.seed(*name) for name in names}) == len(names)


def test_a_numpy_integer_names_the_same_stream_as_a_python_integer():
    assert seeds.seed("origin", np.int64(2020)) == seeds.seed("origin", 2020)


def test_a_stream_without_a_purpose_is_refused():
    with pytest.raises(ValueError, match="name what"):
        seeds.generator()
