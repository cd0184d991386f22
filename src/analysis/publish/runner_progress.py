"""What a run says while it goes on: a line for each notebook as it ends, a bar on a terminal."""

from __future__ import annotations

import sys

from tqdm import tqdm

from analysis.publish.runner_job import Outcome


class Progress:
    """Counts the runs as they end; use as a context manager."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.ended = self.unchanged = self.failed = self.not_run = 0
        self.bar = tqdm(
            total=total,
            disable=not sys.stderr.isatty(),
            bar_format="{bar:30} {n_fmt}/{total_fmt} {desc}",
            leave=False,
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def say(self, outcome: Outcome) -> None:
        """Tell how one run ended; runs that were found unchanged are only counted."""
        self.ended += 1
        self.bar.set_description_str(outcome.job.name, refresh=False)
        self.bar.update()
        if outcome.waited_for:
            self.not_run += 1
            self._line(outcome, f"not run: {outcome.waited_for} failed")
        elif outcome.failure:
            self.failed += 1
            self._line(outcome, f"FAILED in cell {outcome.failure.cell}: {outcome.failure.message}")
            if outcome.failure.traceback:
                tqdm.write(outcome.failure.traceback, file=sys.stderr)
        elif outcome.fresh:
            self._line(outcome, "ok")
            for cell, text in (outcome.complaints or {}).items():
                tqdm.write(f"  cell {cell} wrote to stderr:\n{text.rstrip()}", file=sys.stderr)
        else:
            self.unchanged += 1

    def _line(self, outcome: Outcome, ending: str) -> None:
        count = f"[{self.ended:>{len(str(self.total))}}/{self.total}]"
        tqdm.write(f"{count} {outcome.job.name:<48} {outcome.seconds:7.1f} s  {ending}")
        sys.stdout.flush()

    def summary(self, seconds: float) -> str:
        """One line about the whole."""
        run = self.total - self.unchanged - self.failed - self.not_run
        parts = [f"{run} notebooks run", f"{self.unchanged} unchanged"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.not_run:
            parts.append(f"{self.not_run} not run because of that")
        return f"{', '.join(parts)}, in {seconds:.1f} s."
