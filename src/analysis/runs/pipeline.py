"""What is run, with what and after what: notebooks/pipeline.yml, read and checked."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis import paths

_LANGUAGES = ("en", "vi")
_COUNTRY = "00"
_LISTS = {"raw", "needs", "files", "produces", "languages"}
#: Parameters of notebooks that name a province.
_OF_A_PROVINCE = {"province", "province_code"}
_NUMBERS = {"limit", "memory"}


class PipelineError(ValueError):
    """pipeline.yml asks for something that cannot be run; the message names the notebook."""


@dataclass(frozen=True)
class Chapter:
    """One entry of pipeline.yml.

    `raw`: files of data/raw that it reads ("all", or names); `needs` and `produces`: tables of
    data/processed; `files`: patterns of other files below the root that it reads; `vary`: parameter
    -> values, one run for each; `also`: parameter -> values, one further run for each, whose tables
    no other notebook takes; `limit`: seconds; `memory`: megabytes.
    """

    stem: str
    raw: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    languages: tuple[str, ...] = _LANGUAGES
    vary: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    also: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    limit: float = 600
    memory: int = 6000

    @property
    def path(self) -> Path:
        """The notebook."""
        return paths.NOTEBOOKS / f"{self.stem}.ipynb"


@dataclass(frozen=True)
class Job:
    """One run of a notebook: the chapter, the parameters passed, the jobs that come before.

    further: whether it is one of those that `also` adds.
    """

    chapter: Chapter
    parameters: Mapping[str, Any]
    after: tuple[str, ...] = ()
    further: bool = False

    @cached_property
    def name(self) -> str:
        """Notebook and parameters in one line, e.g. "08_province_brief language=vi province=83"."""
        values = " ".join(f"{key}={value}" for key, value in sorted(self.parameters.items()))
        return f"{self.chapter.stem} {values}"

    @property
    def language(self) -> str:
        """The language that the notebook is run in."""
        return self.parameters["language"]

    @property
    def writes_tables(self) -> bool:
        """Whether its tables are the ones that count: those of the first language."""
        first = self.language == self.chapter.languages[0]
        return bool(self.chapter.produces) and first and not self.further


def load(file: Path | None = None) -> list[Chapter]:
    """The chapters of pipeline.yml, each after those it needs. Raises PipelineError."""
    import yaml

    file = file or paths.NOTEBOOKS / "pipeline.yml"
    try:
        entries = yaml.safe_load(paths.read_edited(file, f"notebooks/{file.name}"))["notebooks"]
        entries.items()
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        told = " ".join(str(error).split())
        raise PipelineError(f"notebooks/{file.name} cannot be read: {told}") from error
    chapters = [_chapter(stem, entry or {}) for stem, entry in entries.items()]
    _check(chapters)
    return _in_order(chapters)


def _chapter(stem: str, entry: Mapping[str, Any]) -> Chapter:
    if unknown := entry.keys() - _LISTS - _NUMBERS - {"vary", "also"}:
        raise PipelineError(f"pipeline.yml, {stem}: unknown key {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {
        key: tuple(_listed(given)) for key, given in entry.items() if key in _LISTS
    }
    values |= {key: entry[key] for key in _NUMBERS & entry.keys()}
    vary, also = (
        {name: _values(stem, given) for name, given in entry.get(key, {}).items()}
        for key in ("vary", "also")
    )
    chapter = Chapter(stem, vary=vary, also=also, **values)
    if not chapter.path.is_file():
        raise PipelineError(f"pipeline.yml names {stem}, and there is no notebooks/{stem}.ipynb")
    return chapter


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _values(stem: str, given: Any) -> tuple[Any, ...]:
    """A list as it stands, or the name of a list that the raw tables hold."""
    if isinstance(given, list):
        return tuple(given)
    if given == "country_and_units":
        with (paths.RAW / "provinces.csv").open(encoding="utf-8", newline="") as file:
            return (_COUNTRY, *_units(list(csv.DictReader(file))))
    raise PipelineError(
        f"pipeline.yml, {stem}: vary takes a list or country_and_units, not {given!r}"
    )


def check_units(settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a parameter that names a province by something else than its code.

    Args:
        settings: notebook -> parameter -> value, as passed to a run.

    Raises:
        PipelineError: names notebook, parameter and value, and the code that seems to be meant.
    """
    if not any(_OF_A_PROVINCE & given.keys() for given in settings.values()):
        return
    with (paths.RAW / "provinces.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    codes = {_COUNTRY, *(row["province_code"] for row in rows)}
    names = {name.casefold(): row["province_code"]
             for row in rows for name in (row["name_en"], row["name_vi"])}  # fmt: skip
    for stem, given in settings.items():
        for name in _OF_A_PROVINCE & given.keys():
            value = str(given[name])
            meant = names.get(value.strip().casefold(), value.strip().zfill(2))
            if value not in codes:
                hint = f"write {meant}" if meant in codes else "codes have two digits, such as 83"
                raise PipelineError(f"{stem}.{name}={value}: is no code of a province; {hint}")


def _units(rows: list[dict[str, str]]) -> list[str]:
    """Provinces made of several by their new code, then the 63; an unchanged one stands once."""
    made = Counter(row["merged_code"] for row in rows)
    merged = [f"province_34/{code}" for code, parts in sorted(made.items()) if parts > 1]
    return [*merged, *sorted(row["province_code"] for row in rows)]


def _check(chapters: list[Chapter]) -> None:
    makers: dict[str, str] = {}
    for chapter in chapters:
        if chapter.vary and chapter.produces:
            raise PipelineError(f"pipeline.yml, {chapter.stem}: what varies cannot write tables")
        for table in chapter.produces:
            if other := makers.setdefault(table, chapter.stem) != chapter.stem and makers[table]:
                raise PipelineError(
                    f"pipeline.yml: {table} is written by {other} and {chapter.stem}"
                )
    for chapter in chapters:
        if missing := [table for table in chapter.needs if table not in makers]:
            raise PipelineError(
                f"pipeline.yml, {chapter.stem}: no notebook writes {', '.join(missing)}"
            )


def _in_order(chapters: list[Chapter]) -> list[Chapter]:
    ordered: list[Chapter] = []
    made: set[str] = set()
    while waiting := [chapter for chapter in chapters if chapter not in ordered]:
        ready = [chapter for chapter in waiting if made.issuperset(chapter.needs)]
        if not ready:
            names = ", ".join(chapter.stem for chapter in waiting)
            raise PipelineError(f"pipeline.yml: these need each other in a circle: {names}")
        ordered.append(ready[0])
        made.update(ready[0].produces)
    return ordered


def jobs(
    chapters: Iterable[Chapter], settings: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Job]:
    """All runs, each after those it depends on.

    A run depends on the runs that write the tables it needs, and on the same run in the first
    language, whose tables and cached results it shares. `settings`: stem -> parameters to pass.
    """
    made: list[Job] = []
    makers: dict[str, str] = {}
    for chapter in chapters:
        given = dict((settings or {}).get(chapter.stem, {}))
        before = {makers[table] for table in chapter.needs if table in makers}
        for varied, further in _runs(chapter, given):
            first = None
            for language in chapter.languages:
                parameters = {**given, **varied, "language": language}
                after = before | ({first} if first else set())
                job = Job(chapter, parameters, tuple(sorted(after)), further)
                first = first or job.name
                made.append(job)
                if job.writes_tables:
                    makers.update(dict.fromkeys(chapter.produces, job.name))
    return made


def _runs(chapter: Chapter, given: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """The parameters of each run, and whether `also` adds it; what is given takes their place."""
    vary = {name: (given[name],) if name in given else v for name, v in chapter.vary.items()}
    for varied in itertools.product(*vary.values()):
        yield dict(zip(vary, varied, strict=True)), False
    for name, values in chapter.also.items():
        if name not in given:
            yield from (({name: value}, True) for value in values)


def chosen(chapters: Iterable[Chapter], stems: Iterable[str]) -> list[Chapter]:
    """The chapters named and all that they need. Raises PipelineError for an unknown name."""
    by_stem = {chapter.stem: chapter for chapter in chapters}
    maker = {table: chapter for chapter in by_stem.values() for table in chapter.produces}
    wanted: set[str] = set()
    waiting = [stem.removesuffix(".ipynb") for stem in stems]
    while waiting:
        stem = waiting.pop()
        if stem not in by_stem:
            raise PipelineError(
                f"no notebook {stem} in pipeline.yml (there are: {', '.join(by_stem)})"
            )
        wanted.add(stem)
        waiting.extend(maker[table].stem for table in by_stem[stem].needs)
    return [chapter for chapter in by_stem.values() if chapter.stem in wanted]


# --------------------------------------------------------------------------------------------------
# What is asked of a run: some notebooks or all, parameters to pass, and how to run them.
# --------------------------------------------------------------------------------------------------


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
