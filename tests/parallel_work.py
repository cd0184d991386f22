"""Functions that tests give to workers; they must be importable there."""

import os
import time
from pathlib import Path

import numpy as np

from analysis import seeds


def draws(item):
    """Random numbers and linear algebra that depend on the item only."""
    numbers = seeds.generator("test draws", item).normal(size=(40, 40))
    return np.linalg.svd(numbers @ numbers.T)[1], os.getpid()


def slow_draws(item):
    """As `draws`, and slow enough for a worker to be killed in the middle."""
    folder, number = item
    (Path(folder) / f"{number}-{os.getpid()}").touch()
    time.sleep(0.3)
    return draws(number)


def fails(item):
    """An error that must reach the caller."""
    raise ValueError(f"item {item} is wrong")


def long_item(folder):
    """Says that it has begun, and takes longer than any test waits."""
    (Path(folder) / f"begun-{os.getpid()}").touch()
    time.sleep(300)


def reads_a_raw_table(item):
    """What a kept function may not do, in a process of its own."""
    from analysis import paths

    return (paths.RAW / "facts.csv").read_text()
