"""The likelihood: one normal distribution for all readings, and its exact gradient."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from analysis.forecast.components import Component
from analysis.forecast.evidence import ERRORS
from analysis.forecast.points import Points
from analysis.forecast.settings import PRIORS

#: Keeps the covariance positive definite where two readings coincide.
JITTER = 1e-6


@dataclass(frozen=True)
class Problem:
    """Everything the likelihood needs, with the time-consuming parts worked out once.

    names: the J + E standard deviations (components, then classes of error).
    unit: (J, n, n) covariance of each component for a standard deviation of one.
    errors: (E, n) variance of each class of error for one percentage point, on the logit scale.
    known: (n,) variance from the readings' own intervals. z: (n,) logits less the centre.
    """

    names: tuple[str, ...]
    unit: np.ndarray
    errors: np.ndarray
    known: np.ndarray
    z: np.ndarray
    prior_mean: np.ndarray
    prior_width: np.ndarray

    def take(self, rows: np.ndarray) -> Problem:
        """The same problem for the readings at these places alone."""
        return dataclasses.replace(
            self,
            unit=self.unit[:, rows[:, None], rows],
            errors=self.errors[:, rows],
            known=self.known[rows],
            z=self.z[rows],
        )

    def covariance(self, theta: np.ndarray) -> np.ndarray:
        """(n, n) covariance of the readings for log standard deviations `theta`."""
        n, j = len(self.z), len(self.unit)
        scale = np.exp(2 * theta)
        matrix = (scale[:j] @ self.unit.reshape(j, -1)).reshape(n, n)
        matrix[np.diag_indices(n)] += self.noise(theta)
        return matrix

    def noise(self, theta: np.ndarray) -> np.ndarray:
        """(n,) variance of reading error on the logit scale."""
        return np.exp(2 * theta[len(self.unit) :]) @ self.errors + self.known + JITTER

    def objective(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log posterior of theta, up to a constant, and its gradient.

        d log p / d theta_j = exp(2 theta_j) tr((a a' - K^-1) B_j), a = K^-1 z (Rasmussen and
        Williams 2006, equation 5.9), plus that of the normal prior of theta.
        """
        likelihood, gradient = self.likelihood(theta)
        distance = (theta - self.prior_mean) / self.prior_width
        value = -likelihood + 0.5 * distance @ distance
        return value, -gradient + distance / self.prior_width

    def likelihood(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log likelihood of the readings and its gradient. (-inf, 0) where K is singular."""
        n, j = len(self.z), len(self.unit)
        factor, failed = lapack.dpotrf(self.covariance(theta), lower=1)
        if failed:
            return -1e10, np.zeros(len(theta))
        inverse = lapack.dpotri(factor, lower=1)[0]
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        a = inverse @ self.z
        value = -0.5 * (self.z @ a) - np.log(np.diag(factor)).sum() - 0.5 * n * np.log(2 * np.pi)
        slope = np.outer(a, a) - inverse
        scale = np.exp(2 * theta)
        parts = self.unit.reshape(j, -1) @ slope.ravel()
        return value, scale * np.concatenate([parts, self.errors @ np.diag(slope)])


def problem(
    parts: list[Component],
    at: Points,
    z: np.ndarray,
    slope: np.ndarray,
    half: np.ndarray,
    error: np.ndarray,
) -> Problem:
    """Set up the likelihood.

    Args:
        at: points of the n readings. z: logits less the centre and the constants of `tangent`.
        slope: logit per percentage point at each reading, 1 / (100 c (1 - c)): errors are in
            points, so that a province near 100 percent is not taken for certain.
        half: half-widths of the readings' intervals in points; taken as uniform within.
        error: class of error of each reading.
    """
    classes = [name for name in ERRORS if (error == name).any()]
    names = tuple([part.name for part in parts] + classes)
    prior = [(part.prior_median, part.prior_width) for part in parts]
    prior += [PRIORS[name] for name in classes]
    return Problem(
        names=names,
        unit=np.stack([part.between(at, at) for part in parts]),
        errors=np.stack([(error == name) * slope**2 for name in classes]),
        known=(half * slope) ** 2 / 3,
        z=z,
        prior_mean=np.log([median for median, _ in prior]),
        prior_width=np.array([width for _, width in prior]),
    )
