"""The models that the project's own is measured against, all with one signature.

peer(train, queries, context) -> DataFrame with mean, sd and q0.01 to q0.99 of the reported
value in percent, on the index of `queries`. train: readings known at the origin, of all levels
and indicators. context: a `Known`. A column `note` may say what a forecast had to do without.
"""

from collections.abc import Callable
from functools import partial

import pandas as pd

from analysis.forecast.known import Known
from analysis.forecast.validation.peers import kept
from analysis.forecast.validation.peers.benchmark import (
    national,
    national_damped,
    national_parallel,
)
from analysis.forecast.validation.peers.common import PeerFailure
from analysis.forecast.validation.peers.mixed import mixed_model
from analysis.forecast.validation.peers.simple import climatology, drift, last_value, trend

Peer = Callable[[pd.DataFrame, pd.DataFrame, Known], pd.DataFrame]

#: Computed at each run. `last_value` is the naive forecast, `national` the benchmark.
PEERS: dict[str, Peer] = {
    "last_value": last_value,
    "national": national,
    "national_damped": national_damped,
    "national_parallel": national_parallel,
    "drift": drift,
    "trend": trend,
    "mixed_model": mixed_model,
    "climatology": climatology,
}
#: Read from data/benchmarks, in the designs with a time order.
PEERS |= {name: partial(kept.forecast, name) for name in kept.KEPT_MODELS}

__all__ = ["PEERS", "Peer", "PeerFailure"]
