"""The 126 briefs and two of the country: this runner against papermill, one after the other.

Plain papermill runs a sample of 12, in turn with the runner's, and is scaled to all. The runner's
time is that of all briefs from nothing, with the tables there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import papermill
from measure import finish, row, seconds

from analysis import paths
from analysis.runs import environment, pipeline
from analysis.runs.jobs import run_jobs
from analysis.runs.pipeline import Request
from analysis.site.build import one_at_a_time

BRIEF = "08_province_brief"
SAMPLE = 12


def all_briefs() -> list[pipeline.Job]:
    """The runs of the brief, without what comes before them."""
    jobs = pipeline.jobs(pipeline.chosen(pipeline.load(), [BRIEF]))
    return [job for job in jobs if job.chapter.stem == BRIEF]


def plain(jobs: list[pipeline.Job], folder: Path) -> None:
    """As a user of papermill would: one after the other, each in a kernel of its own."""
    for number, job in enumerate(jobs):
        papermill.execute_notebook(
            job.chapter.path,
            folder / f"{number}.ipynb",
            dict(job.parameters),
            kernel_name="python3",
            progress_bar=False,
        )


def main() -> None:
    """Needs a report that has been made: its tables are the briefs' input."""
    jobs = all_briefs()
    step = len(jobs) // SAMPLE
    sample = jobs[::step][:SAMPLE]
    os.environ.update(environment.pinned())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one_by_one = seconds(lambda: plain(sample, folder)) / len(sample) * len(jobs)
        shutil.copytree(paths.PROCESSED, folder / "tables")
        os.environ["ANALYSIS_CACHE"] = str(folder / "cache")
        with one_at_a_time(wait=True):
            tables = {path.name: path for path in (folder / "tables").iterdir()}
            free = [pipeline.Job(job.chapter, job.parameters) for job in jobs]
            ours = seconds(lambda: run_jobs(free, Request(), tables))
    finish(
        [
            row(f"plain papermill, {len(sample)} briefs scaled to {len(jobs)}", one_by_one, "s"),
            row(f"this runner, {len(jobs)} briefs", ours, "s"),
            row("this runner / plain papermill", ours / one_by_one, "", below=0.2),
        ]
    )


if __name__ == "__main__":
    main()
