"""The whole report: from raw tables that are in order to a folder that takes the last one's place.

The last report stays as it is until the new one is complete. A notebook that fails costs its page
and the pages that depend on it, never the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from analysis import codebase, paths
from analysis.publish import manifest
from analysis.publish.request import Request
from analysis.publish.staging import put_in_place, staging

#: No exit status above this one, so that a count of failures never looks like a signal.
MOST_FAILURES = 100


class Busy(OSError):
    """Another report is being made in the same folder, and waiting was not wanted."""


def report(request: Request, wait: bool = True) -> int:
    """Bring the report up to date; returns how many notebooks failed, at most MOST_FAILURES.

    Prints what it does. Raises analysis.facts.RawDataError before anything is run when the raw
    tables have faults, Busy when another report is being made and `wait` is false, and ValueError
    for a request that cannot be carried out. In each case the last report stays as it was.
    """
    with one_at_a_time(wait):
        made_from = manifest.inputs()
        if is_up_to_date(request, made_from):
            return 0
        from analysis.publish import incremental, making

        with staging() as aside:
            failed = making.make(aside, request, made_from, making.site, check_raw)
            put_in_place(aside / "processed", Path(paths.PROCESSED))
            put_in_place(aside / "reports", Path(paths.REPORTS))
        incremental.forget_old()
    return min(failed, MOST_FAILURES)


@contextlib.contextmanager
def one_at_a_time(wait: bool) -> Iterator[None]:
    """Hold the lock of this folder. The lock goes with the process, however it ends."""
    from filelock import FileLock, Timeout

    path = paths.CACHE / "report.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise Busy(
                "another report is being made in this folder; try again when it is done"
            ) from None
        print("Another report is being made in this folder; waiting until it is done.", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_up_to_date(request: Request, made_from: Mapping[str, str] | None = None) -> bool:
    """Whether the report was made from exactly these inputs and is whole, byte for byte."""
    reports = Path(paths.REPORTS)
    said = manifest.read(reports)
    if said.get("settings") != request.as_settings():
        return False
    if said.get("inputs") != (made_from or manifest.inputs()):
        return False
    if any("failed" in run for run in said.get("notebooks", [])):
        return False
    folders = {"reports/": reports, "data/processed/": Path(paths.PROCESSED)}
    return not manifest.differences(said, folders)


def check_raw() -> None:
    """Raise RawDataError listing every fault; tables found in order once are not read again."""
    raw = sorted(path for path in Path(paths.RAW).iterdir() if path.is_file())
    content = [part for path in raw for part in (path.name, manifest.digest(path))]
    key = codebase.digest(codebase.fingerprint(["analysis.facts"]), *content)
    mark = paths.CACHE / "checked" / key
    if mark.exists():
        return
    from analysis import facts

    if faults := facts.check(paths.RAW):
        raise facts.RawDataError(faults)
    paths.write_atomic(mark, b"")
