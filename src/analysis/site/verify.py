"""`make verify`: build the report anew, elsewhere and under other settings; compare every byte."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analysis import disk_cache, paths
from analysis.runs import environment, manifest
from analysis.runs.jobs import SCHEDULE
from analysis.site.release import read_digests

#: What a report is made from; nothing else is copied.
NEEDED = (
    "data/raw",
    "data/benchmarks",
    "notebooks",
    "rounds",
    "scenarios",
    "CITATION.cff",
    "requirements.lock",
    "pyproject.toml",
    "src",
    manifest.KERNEL_CODE,
)


#: Starts of the names of what a report is made from, as its manifest calls them.
_INPUTS = (
    "data/", "notebooks/", "rounds/", "scenarios/", "src/", "packages/", "requirements.lock",
    "CITATION.cff",
)  # fmt: skip


@dataclass(frozen=True)
class Build:
    """How a build is made: its folder's name, its environment, workers at once, umask, home."""

    folder: str
    environment: Mapping[str, str]
    workers: int
    umask: int = 0o022
    other_home: bool = False


@dataclass(frozen=True)
class Variation:
    """One way in which the second build differs from the first.

    name: in words. first, second: what the two builds have, as a person would write it.
    environment: of the second build alone; `before` of the first alone.
    """

    name: str
    first: str
    second: str
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)


#: Read by `SHIFTED`, in every process of a build.
CLOCK, REVERSED = "ANALYSIS_VERIFY_CLOCK", "ANALYSIS_VERIFY_REVERSED"
_YEAR = 365 * 24 * 3600

#: Run by every Python of the second build as it starts (as the module sitecustomize).
SHIFTED = f"""
import os
import time

if shift := int(os.environ.get("{CLOCK}", 0)):
    plain, plain_ns = time.time, time.time_ns
    time.time = lambda: plain() + shift
    time.time_ns = lambda: plain_ns() + shift * 10**9

    def later(function):
        return lambda seconds=None: function(time.time() if seconds is None else seconds)

    time.localtime, time.gmtime, time.ctime = map(later, (time.localtime, time.gmtime, time.ctime))
    strftime = time.strftime
    time.strftime = lambda form, at=None: strftime(form, time.localtime() if at is None else at)

if os.environ.get("{REVERSED}"):
    listed, scanned = os.listdir, os.scandir

    class Entries:
        def __init__(self, path="."):
            with scanned(path) as entries:
                self.entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

        def __iter__(self):
            return self

        def __next__(self):
            return next(self.entries)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.close()

        def close(self):
            self.entries = iter(())

    os.listdir = lambda path=".": sorted(listed(path), reverse=True)
    os.scandir = Entries
"""

FOLDERS = ("first", "a second folder, deeper/và có dấu cách")


def variations(processor: bool = False) -> tuple[Variation, ...]:
    """What differs between the two builds, where this machine has it.

    `processor`: with other instructions of linear algebra, too. These still change figures of
    forecasts, by up to 2 in 1,000 in a trial with readings until 2018: the report pins them.
    """
    language = _other_language()
    found = [
        Variation("folder", *FOLDERS),
        Variation("clock", "now", "a year ahead", {CLOCK: str(_YEAR)}),
        _variable("time zone", "TZ", "Asia/Ho_Chi_Minh", "America/New_York"),
        Variation("language", "vi_VN.UTF-8", language, {"LANG": language, "LC_ALL": language},
                  {"LANG": "vi_VN.UTF-8", "LC_ALL": ""}),
        _variable("order of sets", "PYTHONHASHSEED", "1", "4242"),
        Variation("order of files in folders", "the system's", "from Z to A", {REVERSED: "1"}),
        Variation("threads", "1", "4", {"OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "3"},
                  {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}),
        _variable("width of the terminal", "COLUMNS", "80", "200"),
        Variation("rights of new files (umask)", "022", "077"),
        Variation("user and home", "this user's", "a user without a home",
                  {"USER": "somebody", "LOGNAME": "somebody"}),
        Variation("notebooks at once", "1", "4"),
        # Notebooks in another order, the explorer as early as it can be, with pauses.
        Variation("order of notebooks", "usual", "by chance", {SCHEDULE: "2026,explore,0.5"}),
    ]  # fmt: skip
    if processor and environment.instructions():
        found.append(
            Variation("instructions of the processor", "Haswell", "Sandybridge",
                      {environment.KERNELS: "Sandybridge"})
        )  # fmt: skip
    return tuple(found)


def _variable(name: str, variable: str, first: str, second: str) -> Variation:
    return Variation(name, first, second, {variable: second}, {variable: first})


def _other_language() -> str:
    """An installed language that is neither English nor plain C, if there is one; else C."""
    with contextlib.suppress(OSError):
        ended = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False)
        names = sorted(ended.stdout.split())
        others = [name for name in names if not re.match(r"(C|POSIX|en_|vi_)", name)]
        return next((name for name in others if name.lower().endswith("utf8")), "C")
    return "C"


def settings(processor: bool = False) -> tuple[Build, Build]:
    """The two builds, which differ in all variations at once."""
    every = variations(processor)
    before = {name: value for one in every for name, value in one.before.items()}
    after = {name: value for one in every for name, value in one.environment.items()}
    return (
        Build(FOLDERS[0], before, 1),
        Build(FOLDERS[1], after, 4, umask=0o077, other_home=True),
    )


def verify(only: list[str], processor: bool = False) -> list[str]:
    """Build twice from nothing and return the names of the files that differ, sorted.

    `only`: notebooks to which the builds are limited; all when empty. `processor`: see
    `variations`. Raises RuntimeError when a build fails, with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="analysis-verify-") as home:
        roots = []
        for setting in settings(processor):
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
    here = manifest.inputs()
    inputs = sorted(n for n in said if n.startswith(_INPUTS) and n not in wanted)
    changed = [name for name in inputs if here.get(name) != said[name]]
    with tempfile.TemporaryDirectory(prefix="analysis-verify-") as home:
        setting = settings()[1]
        root = Path(home) / setting.folder
        copy(root)
        _build(root, setting, only)
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


def _build(root: Path, setting: Build, only: list[str]) -> None:
    command = [sys.executable, "-m", "analysis", "report", "--workers", str(setting.workers)]
    with tempfile.TemporaryDirectory(prefix="analysis-verify-home-") as aside:
        ended = subprocess.run(
            [*command, *(["--only", *only] if only else [])],
            cwd=root,
            env=surroundings(root, setting, Path(aside)),
            umask=setting.umask,
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode:
        raise RuntimeError(f"the build in {setting.folder!r} failed:\n{ended.stdout}{ended.stderr}")


def surroundings(root: Path, setting: Build, aside: Path) -> dict[str, str]:
    """The environment of a build in `root`; `aside` is an empty folder for what it needs."""
    (aside / "sitecustomize.py").write_text(SHIFTED, encoding="utf-8")
    code = [str(aside), *(str(root / name) for name in ("src", manifest.KERNEL_CODE))]
    made = {**os.environ, **setting.environment, "PYTHONPATH": os.pathsep.join(code)}
    if setting.other_home:
        made["HOME"] = str(aside / "nobody")
    if not sys.prefix.isascii():
        # Python reads where its packages lie in the encoding of the language, which may lack the
        # letters of that folder; all else of the language stays.
        made["LANG"] = made.pop("LC_ALL", "") or made.get("LANG", "")
        made["LC_CTYPE"] = "C.UTF-8"
    made["ANALYSIS_ROOT"] = str(root)
    made["ANALYSIS_REPORTS"] = str(root / "reports")
    made["ANALYSIS_PROCESSED"] = str(root / "data" / "processed")
    return made


def differing(one: Path, other: Path) -> list[str]:
    """The files of reports/ and data/processed/ that two folders do not have alike."""
    first, second = _digests(one), _digests(other)
    names = first.keys() | second.keys()
    return sorted(name for name in names if first.get(name) != second.get(name))


def _digests(root: Path) -> dict[str, str]:
    folders = (root / "reports", root / "data" / "processed")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): _digest(path) for path in sorted(files)}


def _digest(path: Path) -> str:
    """Of the manifest without the keys of the runs, which name the processor's instructions."""
    if path.name != manifest.NAME:
        return manifest.file_digest(path)
    said = json.loads(path.read_text("utf-8"))
    for run in said.get("notebooks", []):
        run.pop("made_from", None)
    return disk_cache.digest(json.dumps(said))
