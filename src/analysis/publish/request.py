"""What is asked of a run: some notebooks or all, parameters to pass, and how to run them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request for a report.

    `only`: stems of notebooks, none for all; `settings`: stem -> parameter -> value; `workers`:
    notebooks at once, 0 for as many as there are cores; `warm`: fork kernels where possible.
    """

    only: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    workers: int = 0
    warm: bool = True

    def as_settings(self) -> dict[str, Any]:
        """What of the request decides the result; part of the manifest."""
        parameters = {stem: dict(given) for stem, given in self.settings.items()}
        return {"only": list(self.only), "parameters": parameters}
