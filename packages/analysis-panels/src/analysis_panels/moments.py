"""Sums over units: all that the likelihood and its gradient need to know of single units.

With S_u the covariance of a unit's readings by its own processes and errors, M_u = S_u^-1, C_u the
covariance of these readings with the sums over units, and X_u = [z_u, A_u, C_u], the sums are
    gram = sum X' M X,  by own part B and class of error E:  sum X' M B M X,  sum tr(M B).
A_u selects the ways of measuring and holds the loadings of the varying coefficients.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from analysis.forecast.fit import JITTER
from analysis_panels.blocks import Block

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Sums:
    """The sums over units that readings of several units are made of.

    loadings: (J, P, s) of the own parts. kernels: J times a function of time, or None.
    t: (s,) years.
    """

    loadings: np.ndarray
    kernels: list[Callable[[np.ndarray, np.ndarray], np.ndarray] | None]
    t: np.ndarray


@dataclass(frozen=True)
class Values:
    """What the blocks hold: z (n,), errors (E, n) and known (n,) by reading, as in `Problem`."""

    z: np.ndarray
    errors: np.ndarray
    known: np.ndarray


@dataclass
class Moments:
    """The sums of the module's head. d = 1 + ways + columns + sums.

    gram: (d, d). by_part: (J, d, d), by_error: (E, d, d). across: (J, d, s) sum X' M C of one part.
    trace_part: (J,), trace_error: (E,). log_determinant: of all S_u together. gradient: whether
    all but `gram` and `log_determinant` have been worked out.
    """

    gram: np.ndarray
    by_part: np.ndarray
    by_error: np.ndarray
    across: np.ndarray
    trace_part: np.ndarray
    trace_error: np.ndarray
    log_determinant: float
    gradient: bool


def nothing(d: int, s: int, parts: int, classes: int, gradient: bool) -> Moments:
    """Sums over no units; without the gradient, nothing is kept for it."""
    each = d if gradient else 0
    return Moments(
        gram=np.zeros((d, d)),
        by_part=np.zeros((parts, each, each)),
        by_error=np.zeros((classes, each, each)),
        across=np.zeros((parts, each, s)),
        trace_part=np.zeros(parts),
        trace_error=np.zeros(classes),
        log_determinant=0.0,
        gradient=gradient,
    )


@dataclass(frozen=True)
class Solved:
    """A block at one theta.

    inverse: (m, n, n) M_u, zero where a slot is empty. cross: (m, n, s) C_u. right: (m, n, e) the
    columns [z, varying, C, repeated ways]; left: M_u times them, and M_u itself where ways differ.
    """

    inverse: np.ndarray
    log_determinant: float
    cross: np.ndarray
    right: np.ndarray
    left: np.ndarray


def across_blocks(function: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
    """Results in the order of the items, worked out by as many threads as there are cores.

    The linear algebra leaves the interpreter's lock; sums are taken in order, so that their bytes
    do not depend on the number of threads.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if cores == 1 or len(items) < 2 * cores:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(cores) as pool:
        yield from pool.map(function, items)


def solve(block: Block, values: Values, sums: Sums, own: np.ndarray, error: np.ndarray) -> Solved:
    """Invert the covariance of each unit of a block.

    own: (J,), error: (E,) variances of the parts and of the classes of error.
    """
    rows, there, n = block.rows, block.there, len(block.t)
    noise = np.tensordot(error, values.errors[:, rows], 1) + values.known[rows] + JITTER
    matrix = _own_covariance(block, own)
    matrix[:, np.arange(n), np.arange(n)] += np.where(there, noise, 1.0)
    factor = np.linalg.cholesky(matrix)
    determinant = 2 * np.log(factor.diagonal(0, 1, 2)).sum()
    half = inverse_of_lower(factor)
    inverse = half.transpose(0, 2, 1) @ half
    if not there.all():
        inverse *= there[:, :, None] & there[:, None, :]
    cross = _cross(block, sums, own).sum(axis=0)
    z = np.where(there, values.z[block.rows], 0.0)[:, :, None]
    columns = [z, block.varying, cross]
    if block.repeated is not None:
        columns.append(there[:, :, None] * block.repeated)
    right = np.concatenate(columns, axis=2)
    left = inverse @ right
    if block.repeated is None:
        left = np.concatenate([left, inverse], axis=2)
    return Solved(inverse, float(determinant), cross, right, left)


def inverse_of_lower(factor: np.ndarray) -> np.ndarray:
    """Inverses of lower triangular matrices (m, n, n), by halves: mostly products of matrices."""
    n = factor.shape[1]
    if n <= 16:
        return np.linalg.inv(factor)
    h = n // 2
    first, last = inverse_of_lower(factor[:, :h, :h]), inverse_of_lower(factor[:, h:, h:])
    out = np.zeros(factor.shape)
    out[:, :h, :h], out[:, h:, h:] = first, last
    out[:, h:, :h] = -last @ (factor[:, h:, :h] @ first)
    return out


def _own_covariance(block: Block, own: np.ndarray) -> np.ndarray:
    scaled = np.sqrt(own)[:, None, None] * block.own
    constant = [j for j, kernel in enumerate(block.kernels) if kernel is None]
    level = scaled[constant].transpose(1, 2, 0)
    matrix = level @ level.transpose(0, 2, 1)
    for j, kernel in enumerate(block.kernels):
        if kernel is not None and block.own[j].any():
            matrix += scaled[j][:, :, None] * scaled[j][:, None, :] * kernel
    return matrix


def _cross(block: Block, sums: Sums, own: np.ndarray) -> np.ndarray:
    """(J, m, n, s) covariance of the units' readings with the sums, by part."""
    theirs = sums.loadings[:, block.units]
    product = own[:, None, None, None] * block.own[:, :, :, None] * theirs[:, :, None, :]
    for j, kernel in enumerate(sums.kernels):
        if kernel is not None and len(sums.t):
            product[j] *= kernel(block.t, sums.t)
    return product


def places(block: Block, ways: int, columns: int, sums: int) -> np.ndarray:
    """Where the columns of `Solved.left` belong among [z, ways, varying, sums]."""
    return np.concatenate(
        [[0], 1 + ways + block.columns, 1 + ways + columns + np.arange(sums), 1 + block.different]
    )


def moments(
    blocks: Sequence[Block],
    values: Values,
    sums: Sums,
    own: np.ndarray,
    error: np.ndarray,
    size: tuple[int, int],
    gradient: bool,
) -> Moments:
    """Add up all blocks. size: numbers of ways and of varying coefficients."""
    s = len(sums.t)
    total = nothing(1 + sum(size) + s, s, len(own), len(error), gradient)
    read = [block for block in blocks if block.rows.size]

    def one(block: Block) -> Moments:
        return _of_block(block, values, sums, own, error, gradient)

    for block, found in zip(read, across_blocks(one, read), strict=True):
        _add(total, found, places(block, *size, s))
    return total


def _add(total: Moments, found: Moments, place: np.ndarray) -> None:
    square = np.ix_(place, place)
    total.gram[square] += found.gram
    total.log_determinant += found.log_determinant
    if not total.gradient:
        return
    for j in np.flatnonzero(found.trace_part):
        total.by_part[j][square] += found.by_part[j]
    for e in np.flatnonzero(found.trace_error):
        total.by_error[e][square] += found.by_error[e]
    if total.across.size:
        total.across[:, place] += found.across
    total.trace_part += found.trace_part
    total.trace_error += found.trace_error


def _of_block(
    block: Block,
    values: Values,
    sums: Sums,
    own: np.ndarray,
    error: np.ndarray,
    gradient: bool,
) -> Moments:
    done = solve(block, values, sums, own, error)
    gram = _gram(done, block.repeated is None)
    found = nothing(len(gram), len(sums.t), len(own), len(error), gradient)
    found.gram, found.log_determinant = gram, done.log_determinant
    if gradient:
        _by_part(found, block, done, own)
        _by_error(found, block, done, values, error)
        if len(sums.t):
            for j, one in enumerate(_cross(block, sums, own)):
                found.across[j] = _flat(done.left).T @ _flat(one)
    return found


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def _gram(done: Solved, different: bool) -> np.ndarray:
    """X' M X, summed over the units of the block, in the order of the columns of `left`."""
    e = done.right.shape[2]
    first = _flat(done.right).T @ _flat(done.left[:, :, :e])
    if not different:
        return first
    side = done.left[:, :, :e].sum(axis=0)
    return np.block([[first, side.T], [side, done.inverse.sum(axis=0)]])


def _by_part(found: Moments, block: Block, done: Solved, own: np.ndarray) -> None:
    for j, (kernel, root) in enumerate(zip(block.kernels, block.roots, strict=True)):
        loading = block.own[j]
        if not loading.any():
            continue
        if kernel is None:
            seen = np.matmul(loading[:, None, :], done.left)[:, 0]
            trace = (loading * np.matmul(done.inverse, loading[:, :, None])[:, :, 0]).sum()
        else:
            assert root is not None
            seen = _flat(np.matmul(root.T, loading[:, :, None] * done.left))
            weighted = done.inverse * loading[:, :, None] * loading[:, None, :]
            trace = (weighted.sum(axis=0) * kernel).sum()
        found.by_part[j] = own[j] * (seen.T @ seen)
        found.trace_part[j] = own[j] * trace


def _by_error(
    found: Moments, block: Block, done: Solved, values: Values, error: np.ndarray
) -> None:
    diagonal = done.inverse.diagonal(0, 1, 2)
    for e, variance in enumerate(error):
        own = np.where(block.there, values.errors[e][block.rows], 0.0)
        if own.any():
            seen = _flat(np.sqrt(own)[:, :, None] * done.left)
            found.by_error[e] = variance * (seen.T @ seen)
            found.trace_error[e] = variance * (own * diagonal).sum()
