"""Stored notebooks are checked side by side, each after the tables it needs have been written.

nbval runs every cell again. The notebooks share a folder for their tables, apart from the user's
data/processed. Those that hang together stand in one group, which one worker takes from beginning
to end; a notebook that needs a table of another group waits until it is there. Where nobody among
the tests chosen makes it, the first cell says at once which notebook has to be chosen too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.runs import environment, pipeline

TABLES = "ANALYSIS_TEST_TABLES"
LONGEST_WAIT = 600
LONGEST_CELL = 900
#: The notebooks of which cells will run.
CHOSEN = pytest.StashKey[set[str]]()


def is_cell(item: pytest.Item) -> bool:
    """Whether a test is a cell of a notebook that nbval checks."""
    return type(item).__name__ == "IPyNbCell"


def make_folder_for_tables(config: pytest.Config) -> None:
    """In the process that starts the workers; they find the folder in their environment."""
    if not hasattr(config, "workerinput") and config.getoption("nbval", False):
        os.environ[TABLES] = tempfile.mkdtemp(prefix="analysis-tables-")


def ignore_what_editors_write(config: pytest.Config) -> None:
    """Cells run in the kernel of this environment, whichever an editor has noted in the file."""
    if config.getoption("nbval", False) and not config.getoption("nbval_kernel_name", None):
        config.option.nbval_kernel_name = "python3"


def remedy(stem: str) -> str:
    """What mends a stored notebook that gives something else than it shows."""
    return (
        f"notebooks/{stem}.ipynb gives something else than it has stored. After a change that is "
        f'meant: make notebooks NAMES="{stem}". To drop what was tried in an editor: '
        f"git checkout notebooks/{stem}.ipynb"
    )


def remove_folder_for_tables(config: pytest.Config) -> None:
    """In the process that made it."""
    if not hasattr(config, "workerinput") and TABLES in os.environ:
        shutil.rmtree(os.environ.pop(TABLES), ignore_errors=True)


def groups(chapters: list[pipeline.Chapter]) -> dict[str, str]:
    """Stem -> group. Chapters that share tables, other than those of the first, hang together."""
    maker = {table: one.stem for one in chapters for table in one.produces}
    group = {one.stem: one.stem for one in chapters}
    roots = {one.stem for one in chapters if not one.needs}
    for one in chapters:
        for other in {maker[table] for table in one.needs} - roots:
            joined = {group[one.stem], group[other]}
            group = {stem: min(joined) if name in joined else name for stem, name in group.items()}
    largest = max(group.values(), key=lambda name: (list(group.values()).count(name), name))
    return {stem: largest if stem in roots else name for stem, name in group.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object):
    """One worker takes a file of tests, or the notebooks of a group, from beginning to end."""
    from xdist.scheduler import LoadFileScheduling

    group = groups(pipeline.load())

    class ByGroup(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder, _, name = nodeid.partition("::")[0].partition("/")
            stem = name.partition(".")[0]
            return group.get(stem, stem) if folder == "notebooks" else super()._split_scope(nodeid)

    return ByGroup(config, log)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know which notebooks will run, once the tests have been chosen."""
    session.config.stash[CHOSEN] = {item.path.stem for item in session.items if is_cell(item)}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before a kernel is started: end a notebook whose tables nobody makes."""
    if not is_cell(item):
        return
    if sentence := never_made(item.path.stem, item.config.stash[CHOSEN], Path(os.environ[TABLES])):
        first = not (Path(os.environ[TABLES]) / f"{item.path.stem}.failed").exists()
        pytest.fail(sentence, pytrace=False) if first else pytest.skip("see its first cell")


def never_made(stem: str, chosen: set[str], tables: Path) -> str:
    """One line when a notebook needs tables that no notebook among those chosen will make."""
    chapters = {one.stem: one for one in pipeline.load()}
    maker = {table: one.stem for one in chapters.values() for table in one.produces}
    needs = chapters[stem].needs if stem in chapters else ()
    lacking = [name for name in needs if not (tables / name).is_file()]
    lacking = [name for name in lacking if maker[name] not in chosen]
    if not lacking:
        return ""
    one_by_one = "; ".join(f"{name} is written by {maker[name]}" for name in lacking)
    also = [
        one.stem for one in pipeline.chosen(chapters.values(), [stem]) if one.stem not in chosen
    ]
    return (
        f"notebooks/{stem}.ipynb needs tables that no notebook of this command writes: "
        f"{one_by_one}. Add {' '.join(f'notebooks/{name}.ipynb' for name in also)}"
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """A cell may take longer than a test: on a slow machine the heaviest takes minutes."""
    if is_cell(item):
        item.add_marker(pytest.mark.timeout(LONGEST_CELL))


def arrange(items: list[pytest.Item]) -> None:
    """Cells first, in the order in which they can run; tests stay in the random order they have."""
    cells = [item for item in items if is_cell(item)]
    if not cells:
        return
    chapters = pipeline.load()
    order = {one.stem: place for place, one in enumerate(chapters)}
    group = groups(chapters)
    first = group[chapters[0].stem]

    def place(item: pytest.Item) -> tuple:
        stem = item.path.stem
        name = group.get(stem, stem)
        return name != first, name, order.get(stem, len(order)), stem, item.cell_num

    items[:] = sorted(cells, key=place) + [item for item in items if not is_cell(item)]


@contextlib.contextmanager
def settings_for(item: pytest.Item) -> Iterator[None]:
    """The settings that stored outputs were made under, and the folder for tables."""
    tables = os.environ[TABLES]
    before = dict(os.environ)
    _wait_for_tables(item.path.stem, Path(tables), item.config.stash[CHOSEN])
    os.environ.update(environment.pinned({"ANALYSIS_PROCESSED": tables}))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _wait_for_tables(stem: str, tables: Path, chosen: set[str]) -> None:
    """Returns at once when nothing can come any more; the notebook then says what is missing."""
    chapters = {one.stem: one for one in pipeline.load()}
    needs = chapters[stem].needs if stem in chapters else ()
    if never_made(stem, chosen, tables):
        return
    until = time.monotonic() + LONGEST_WAIT
    while any(not (tables / name).is_file() for name in needs) and time.monotonic() < until:
        if any(tables.glob("*.failed")):
            return
        time.sleep(0.2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Run the cells of a notebook under the settings that its outputs were made under."""
    if not is_cell(item):
        return (yield)
    with settings_for(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Let those that wait for a notebook's tables know that they may not come."""
    report = yield
    if report.failed and is_cell(item):
        report.sections.append(("What mends it", remedy(item.path.stem)))
        (Path(os.environ[TABLES]) / f"{item.path.stem}.failed").touch()
    return report
