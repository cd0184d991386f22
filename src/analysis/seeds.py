"""The one place where randomness comes from: a stream of numbers for each name."""

from __future__ import annotations

import hashlib
from numbers import Integral

import numpy as np

#: Changing this number gives a second, independent set of every random number in the project.
PROJECT_SEED = 20251231


def seed(*names: str | int) -> int:
    """A 128-bit seed that depends on the project's seed and on `names`, and on nothing else.

    Names are told apart by position and by type: ("a", "b") is not ("ab",), and 1 is not "1".
    """
    written = "\x1f".join(
        f"{'int' if isinstance(name, Integral) else 'str'}:{name}"
        for name in (PROJECT_SEED, *names)
    )
    return int.from_bytes(hashlib.sha256(written.encode("utf-8")).digest()[:16], "big")


def generator(*names: str | int) -> np.random.Generator:
    """A random generator of its own for each purpose, e.g. generator("draws", "hi_coverage").

    The same names give the same numbers on every machine and in any order of calls. Raises
    ValueError without a name, so that two purposes never share a stream by accident.
    """
    if not names:
        raise ValueError("name what the random numbers are for, e.g. generator('draws')")
    return np.random.Generator(np.random.PCG64(seed(*names)))
