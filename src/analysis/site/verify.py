"""`make verify`: build the report anew, elsewhere and under other settings; compare every byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis import paths
from analysis.runs import store
from analysis.runs.jobs import SCHEDULE
from analysis.site.release import read_digests

#: What a report is made from; nothing else is copied.
NEEDED = (
    "data/raw",
    "data/benchmarks",
    "notebooks",
    "scenarios",
    "requirements.lock",
    "pyproject.toml",
    "src",
    store.KERNELS,
)


#: Starts of the names of what a report is made from, as its manifest calls them.
_INPUTS = ("data/", "notebooks/", "scenarios/", "src/", "packages/", "requirements.lock")


@dataclass(frozen=True)
class Setting:
    """How one of the two builds differs from the other: its folder's name and its environment."""

    folder: str
    environment: Mapping[str, str]
    workers: int


SETTINGS = (
    Setting(
        "first",
        {"TZ": "Asia/Ho_Chi_Minh", "LANG": "vi_VN.UTF-8", "LC_ALL": "", "PYTHONHASHSEED": "1"}
        | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "80"},
        1,
    ),
    Setting(
        "a second folder, deeper/and with spaces",
        {"TZ": "America/New_York", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "4242"}
        | {"OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "3", "COLUMNS": "200"}
        # Notebooks in another order, the explorer as early as it can be, with pauses.
        | {SCHEDULE: "2026,explore,0.5"},
        2,
    ),
)


def verify(only: list[str]) -> list[str]:
    """Build twice from nothing and return the names of the files that differ, sorted.

    `only`: notebooks to which the builds are limited; all when empty. Raises RuntimeError when a
    build fails, with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="analysis-verify-") as home:
        roots = []
        for setting in SETTINGS:
            root = Path(home) / setting.folder
            copy(root)
            _build(root, setting, only)
            roots.append(root)
        return differing(*roots)


def verify_against(published: Path, only: list[str]) -> tuple[list[str], list[str]]:
    """Build once from nothing and compare with published digests.

    Args:
        published: digests in the form of sha256sum (``DIGESTS`` of a release).
        only: notebooks to which the build is limited; all when empty. Files of other notebooks
            are not compared then.

    Returns:
        The published outputs that differ or were not made, and the published inputs that are
        others here, both sorted.

    Raises:
        ValueError: the file is no list of digests, or lists nothing that a report makes.
        RuntimeError: the build failed.
    """
    said = read_digests(published)
    wanted = {name for name in said if name.startswith(("reports/", "data/processed/"))}
    if not wanted:
        raise ValueError(f"{published}: lists no file of reports/ or data/processed/")
    here = store.inputs()
    inputs = sorted(n for n in said if n.startswith(_INPUTS) and n not in wanted)
    changed = [name for name in inputs if here.get(name) != said[name]]
    with tempfile.TemporaryDirectory(prefix="analysis-verify-") as home:
        root = Path(home) / SETTINGS[1].folder
        copy(root)
        _build(root, SETTINGS[1], only)
        made = _digests(root)
    if only:
        wanted &= made.keys()
    return sorted(name for name in wanted if made.get(name) != said[name]), changed


def copy(root: Path) -> None:
    """Copy what a report is made from into a new folder."""
    root.mkdir(parents=True)
    for name in NEEDED:
        source = paths.ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info")
            shutil.copytree(source, root / name, ignore=ignored)
        elif source.is_file():
            shutil.copy2(source, root / name)


def _build(root: Path, setting: Setting, only: list[str]) -> None:
    command = [sys.executable, "-m", "analysis", "report", "--workers", str(setting.workers)]
    code = os.pathsep.join(str(root / name) for name in ("src", store.KERNELS))
    environment = {**os.environ, **setting.environment, "PYTHONPATH": code}
    environment["ANALYSIS_ROOT"] = str(root)
    environment["ANALYSIS_REPORTS"] = str(root / "reports")
    environment["ANALYSIS_PROCESSED"] = str(root / "data" / "processed")
    ended = subprocess.run(
        [*command, *(["--only", *only] if only else [])],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"the build in {setting.folder!r} failed:\n{ended.stdout}{ended.stderr}")


def differing(one: Path, other: Path) -> list[str]:
    """The files of reports/ and data/processed/ that two folders do not have alike."""
    first, second = _digests(one), _digests(other)
    names = first.keys() | second.keys()
    return sorted(name for name in names if first.get(name) != second.get(name))


def _digests(root: Path) -> dict[str, str]:
    folders = (root / "reports", root / "data" / "processed")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): store.digest(path) for path in sorted(files)}
