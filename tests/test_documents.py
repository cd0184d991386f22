"""What the documents say of code and data is so."""

import dataclasses
import importlib
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis import cli, paths
from analysis.commands import notebooks
from analysis.commands.report import requested
from analysis.country.indicators import INDICATORS
from analysis.forecast.rounds import named_round
from analysis.forecast.space import Settings
from analysis.report.wording import say
from analysis.runs import jobs as runs_jobs
from analysis.runs import pipeline
from analysis.verdicts import SCALE

ROOT = Path(paths.ROOT)
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md")),
             *sorted((ROOT / "examples").glob("*.md")),
             *sorted((ROOT / "packages").glob("*/README.md"))]  # fmt: skip
#: What commands write, or what a reader is asked to make.
MADE = re.compile(
    r"^(\.venv|reports/|work/|data/processed/|examples/districts/processed|predictions|my_)|^(commune_lists|conflicts|queries|round_answers)\.csv$"
)


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def text(request):
    return request.param.read_text("utf-8")


def test_files_that_are_named_exist(text):
    named = re.findall(r"`([\w.-]+(?:/[\w.-]*)*\.?[\w]*)`", text)
    files = [one for one in named if "/" in one or re.search(r"\.(md|csv|yml|cff|ipynb)$", one)]
    roots = (ROOT, ROOT / "docs", ROOT / "data/raw", ROOT / "notebooks", ROOT / "examples")
    roots = (*roots, ROOT / "src/analysis", ROOT / "src/analysis/report")
    missing = [one for one in files if not MADE.search(one)
               and re.fullmatch(r"[\w./-]+", one) and not re.fullmatch(r"[a-z_0-9]+/\d+", one)
               and not any((root / one).exists() for root in roots)]  # fmt: skip
    assert missing == []


def anchor(heading):
    """The anchor that a reader of Markdown gives a heading."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def test_links_lead_to_files_and_to_headings_that_are_there(request, text):
    here = request.node.callspec.params["text"]
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, place = target.partition("#")
        if "://" in target:
            continue
        found = (here.parent / file).resolve() if file else here
        assert found.exists(), target
        if place:
            headings = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.MULTILINE)
            assert place in [anchor(one) for one in headings], target


def test_new_figures_lead_to_what_happens_to_readings():
    text = (ROOT / "docs/your-own-data.md").read_text("utf-8")
    assert "](methods.md#1-from-facts-to-readings)" in text


def test_modules_that_are_named_exist(text):
    for name in re.findall(r"`analysis\.([\w.]+)`", text):
        place = ROOT / "src/analysis" / name.replace(".", "/")
        parent = place.parent.with_suffix(".py")
        inside = parent.exists() and place.name in parent.read_text("utf-8")
        inside |= (place.parent / "__init__.py").exists() and any(
            place.name in one.read_text("utf-8") for one in place.parent.glob("*.py")
        )
        assert place.is_dir() or place.with_suffix(".py").exists() or inside, name


def test_commands_and_targets_that_are_named_exist(text):
    for name in re.findall(
        r"(?:`|^    (?:\.venv/bin/)?)analysis ([a-z][a-z-]+)", text, re.MULTILINE
    ):
        assert name in cli.COMMANDS, name
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for name in re.findall(r"`make ([a-z-]+)", text):
        assert name in targets, name


def test_the_constants_of_the_model_are_those_of_the_code():
    text = (ROOT / "docs/methods.md").read_text("utf-8")
    said = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|$", text, re.MULTILINE))
    own = {
        field.name: f"{getattr(Settings(), field.name):g}"
        for field in dataclasses.fields(Settings)
        if not isinstance(getattr(Settings(), field.name), bool)
    }
    assert said == own


def test_the_constants_beside_the_code_are_those_of_the_code():
    text = (ROOT / "docs/methods.md").read_text("utf-8")
    said = re.findall(r"^\| `([a-z.]+)\.([A-Z_]+)` \| ([\d., ]+) \|", text, re.MULTILINE)
    assert said
    for module, name, value in said:
        own = getattr(importlib.import_module(f"analysis.forecast.{module}"), name)
        own = own if isinstance(own, tuple) else (own,)
        assert value == ", ".join(f"{one:g}" for one in own), name


def test_the_rows_of_the_raw_tables_are_counted_rightly():
    text = (ROOT / "docs/data-card.md").read_text("utf-8")
    said = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", text, re.MULTILINE))
    tables = sorted(Path(paths.RAW).glob("*.csv"))
    assert said == {path.stem: f"{len(pd.read_csv(path, dtype=str)):,}" for path in tables}


def test_the_indicators_that_are_defined_exist():
    text = (ROOT / "docs/definitions.md").read_text("utf-8")
    defined = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert defined and set(defined) <= set(INDICATORS)


def test_the_words_for_probabilities_are_those_of_the_code():
    text = (ROOT / "docs/definitions.md").read_text("utf-8")
    said = re.findall(r"^  \| (\d+)% to (\d+)% \| (.+) \| (.+) \|$", text, re.MULTILINE)
    own = [
        (str(step.lowest), str(step.highest), say(f"verdict.{step.name}", "en"),
         say(f"verdict.{step.name}", "vi"))
        for step in SCALE
    ]  # fmt: skip
    assert said[::-1] == own


def test_the_report_from_an_earlier_day_is_asked_for_as_the_readme_says():
    text = (ROOT / "README.md").read_text("utf-8")
    said = re.findall(r"end of 2022 \| `analysis (report [^`]+)`", text)
    assert len(said) == 1
    _, options = cli._parse(said[0].split())
    jobs = runs_jobs.plan(requested(options))
    forecasts = [job for job in jobs if job.chapter.stem == "05_forecast"]
    assert {job.language for job in forecasts} == {"en", "vi"}
    assert {job.parameters["round"] for job in forecasts} == {"2022-12-31/2025-12-31"}
    assert named_round("2022-12-31/2025-12-31").origin == pd.Timestamp("2022-12-31")
    assert not {"06_validation", "08_province_brief"} & {job.chapter.stem for job in jobs}


def test_the_readme_names_every_chapter_with_its_tables_and_figures():
    text = (ROOT / "README.md").read_text("utf-8").split("## Tables and figures")[1]
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \| (.+) \|$", text, re.MULTILINE)
    said = {stem: set(tables.split(", ")) - {"–"} for stem, tables, _ in rows}
    made = {
        chapter.stem: {name.removesuffix(".csv") for name in chapter.produces if ".csv" in name}
        for chapter in pipeline.load()
    }
    assert said == made
    for stem, _, modules in rows:
        drawn = set(re.findall(r"`([a-z_]+)`", modules))
        missing = [one for one in drawn if not (ROOT / f"src/analysis/figures/{one}.py").exists()]
        assert missing == [], stem


def test_the_map_of_the_readme_is_that_of_the_stored_chapter(tmp_path, monkeypatch):
    stem, _, name = notebooks.PICTURE
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / f"{stem}.ipynb", tmp_path / "notebooks")
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setenv("ANALYSIS_ROOT", str(tmp_path))
    notebooks.keep_picture()
    assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes(), "make notebooks renews it"
    assert f"]({name})" in (ROOT / "README.md").read_text("utf-8")


def test_every_command_shows_an_example():
    for name in cli.COMMANDS:
        module = cli._module(name)
        assert f"analysis {name}" in module.EXAMPLE


def test_the_citation_can_be_read():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(cited)


def test_the_checks_before_a_commit_are_those_of_make_lint():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0][
        "hooks"
    ]
    entries = " ".join(hook["entry"] for hook in hooks)
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\nlint:")[1].split("\n\n")[0]
    for check in ("ruff check", "ruff format --check", "mypy", "analysis.runs.spelling",
                  "test_notebook_rules.py", "test_environment_drift.py"):  # fmt: skip
        assert check in entries and check in recipe, check
