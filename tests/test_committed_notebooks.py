"""What is tried in an editor is not published: the report takes what git has committed."""

import json
import shutil
import subprocess

import nbformat
import pytest
from tiny_project import TinyProject, notebook

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

FACTOR = 'language = "en"\nfactor = 1'
NUMBERS = [
    "import pandas as pd\nfrom analysis.paths import PROCESSED, RAW, write_table",
    "numbers = pd.read_csv(RAW / 'facts.csv')\nnumbers['value'] *= factor\nnumbers",
    "write_table(numbers, PROCESSED / 'numbers.csv').name",
]


def git(project, *arguments):
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], cwd=project.root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project in git, with its report."""
    project = TinyProject(tmp_path_factory.mktemp("made") / "tiny")
    project.notebook("01_numbers", NUMBERS, FACTOR)
    project.write(".gitignore", "reports/\n.cache/\nwork/\ndata/processed/\n")
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "first")
    project.first = project.run("report")
    return project


@pytest.fixture
def project(made, tmp_path):
    return made.copy(tmp_path / "tiny")


def change(project, value=100):
    project.notebook("01_numbers", NUMBERS, FACTOR.replace("1", str(value)))


def test_a_clean_folder_is_read_as_it_is_without_a_word(made):
    assert made.first.returncode == 0, made.first.stderr
    assert " git" not in made.first.stdout and "Git" not in made.first.stdout
    assert not (made.root / ".cache/committed").exists()


def test_a_parameter_changed_in_an_editor_is_named_and_not_published(project):
    before = project.files()
    change(project)
    result = project.run("report")
    assert result.returncode == 0, result.stderr
    first = result.stdout.splitlines()[0]
    assert first.startswith("01_numbers: factor is 100 here and 1 in git. The report takes the")
    assert "--uncommitted" in first
    assert "Nothing has changed" in result.stdout
    assert project.files() == before
    # Not even where everything is made again.
    shutil.rmtree(project.root / "reports")
    shutil.rmtree(project.root / ".cache")
    result = project.run("report")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("01_numbers: factor") == 1  # though Python may start again
    assert project.files() == before


def test_the_change_is_published_on_request_and_taken_back_by_the_next_report(project):
    before = project.files()
    change(project)
    result = project.run("report", "--uncommitted")
    assert "factor is 100 here and 1 in git; your version is published" in result.stdout
    assert "600" not in before["data/processed/sums.csv"].decode()
    assert "b,500" in project.files()["data/processed/sums.csv"].decode()
    project.run("report")
    assert project.files() == before
    git(project, "commit", "-q", "-am", "on purpose")
    result = project.run("report")
    assert "in git" not in result.stdout
    assert "b,500" in project.files()["data/processed/sums.csv"].decode()


def test_a_cell_that_differs_is_named_and_its_translation_stays_with_it(project):
    before = project.files()
    book = notebook(["1 + 1"], 'language = "en"')
    book.cells.append(nbformat.v4.new_markdown_cell("More", id="more"))
    project.write("notebooks/03_aside.ipynb", nbformat.writes(book))
    tree = nbformat.read(project.root / "notebooks/02_sums.ipynb", 4)
    tree.cells.append(nbformat.v4.new_markdown_cell("More", id="more"))
    project.write("notebooks/02_sums.ipynb", nbformat.writes(tree))
    vi = "<!-- cell: title -->\n# Khác\n<!-- cell: more -->\nThêm\n"
    project.write("notebooks/vi/02_sums.md", vi)
    result = project.run("report")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "02_sums: cell more differs from git." in result.stdout
    assert "03_aside: cells step-1, more differ from git." in result.stdout
    assert project.files() == before


def test_what_an_editor_writes_by_itself_is_no_change(project):
    before = project.files()
    path = project.root / "notebooks/02_sums.ipynb"
    book = json.loads(path.read_text("utf-8"))
    book["metadata"]["language_info"] = {"name": "python", "version": "3.99"}
    book["cells"][1]["execution_count"] = 7
    path.write_text(json.dumps(book), "utf-8")
    result = project.run("report")
    assert result.stdout.startswith("Nothing has changed")
    assert project.files() == before


def test_a_notebook_that_can_no_longer_be_read_does_not_stop_the_report(project):
    before = project.files()
    project.write("notebooks/02_sums.ipynb", "{")
    result = project.run("report")
    assert "02_sums: it cannot be read here (notebooks/02_sums.ipynb is not a" in result.stdout
    assert result.returncode == 0
    assert project.files() == before


def test_a_new_notebook_counts_as_it_is_and_is_named(project):
    pipeline = (project.root / "notebooks/pipeline.yml").read_text("utf-8")
    project.write("notebooks/pipeline.yml", pipeline + "  09_new:\n    languages: [en]\n")
    project.notebook("09_new", ["2 + 2"])
    result = project.run("report")
    assert "09_new: new and not committed; it is taken as it is." in result.stdout
    assert "reports/en/09_new.txt" in project.files()


def test_without_git_the_files_count_and_where_git_fails_it_says_so(project):
    change(project)
    (project.root / ".git/HEAD").write_text("broken")
    result = project.run("report")
    assert "Git cannot say which notebooks are committed (fatal: " in result.stdout
    assert "b,500" in project.files()["data/processed/sums.csv"].decode()
    shutil.rmtree(project.root / ".git")
    change(project, 10)
    result = project.run("report")
    assert "in git" not in result.stdout and "Git cannot" not in result.stdout
    assert "b,50\n" in project.files()["data/processed/sums.csv"].decode()
