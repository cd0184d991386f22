"""JupyterLab in a real browser: the explore notebook runs, and answers a reader's hand."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from analysis import paths
from analysis.explore import shipped
from analysis.explore.panel import scenarios, sentences, spoken
from analysis.explore.session import Choice, Explorer
from analysis.facts import load_raw
from analysis.findings.coverage import Tables
from analysis.readings import build_readings, store
from analysis.readings.targets import targets
from analysis.runs.environment import pinned

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome")
                 if (found := shutil.which(name))), None)  # fmt: skip
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]
#: Seconds; a busy machine takes many times what a calm one does.
PATIENCE = 240


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processed")
    raw = load_raw()
    store.write(build_readings(raw), raw, folder)
    return folder


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def lab(tables, tmp_path_factory):
    """The address of a JupyterLab on a copy of the notebook, so that saving harms nothing."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(paths.NOTEBOOKS / "explore.ipynb", folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "ANALYSIS_PROCESSED": str(tables)}
    own |= {"ANALYSIS_ROOT": str(paths.ROOT), "ANALYSIS_WORK": str(folder / "work")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", f"--notebook-dir={folder}", "--expose-app-in-browser"]
    command += ["--IdentityProvider.token="]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **pinned(own)}, stdout=log, stderr=log
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/lab", folder / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/explore.ipynb", folder
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=30).read()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.mark.timeout(1200)
def test_the_explore_notebook_answers_in_jupyterlab(browser, lab):
    address, folder = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(address)
    page.wait_for_function("window.jupyterapp !== undefined")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel"
        "?.connectionStatus === 'connected'"
    )
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector(".explore-words")
    words = page.locator(".explore-words")
    assert "Ben Tre" in words.inner_text()

    drawing = page.locator(".jupyter-widgets .explore svg").first
    assert drawing.locator("circle title").count() > 0
    assert drawing.locator("path.b").count() == 1

    seconds = _changed(page, lambda: _type(page, ".explore-persons .widget-readout", "900"))
    assert "900" in words.inner_text() and "the probability becomes" in words.inner_text()
    assert seconds < 1.0, f"the words took {seconds:.2f} s to follow the lever"

    page.select_option(".explore-unit select", label="Son La")
    page.wait_for_function("document.querySelector('.explore-words').innerText.includes('Son La')")
    page.select_option(".explore-scenario select", label="One point more each year")
    page.wait_for_function(
        "document.querySelector('.explore-words').innerText.includes('One point more each year')"
    )
    page.select_option(".explore-indicator select", label="Social insurance coverage rate")
    page.wait_for_function(
        "document.querySelector('.explore-words').innerText.includes('Social insurance')"
    )

    page.click("button.explore-save")
    page.wait_for_function("document.body.innerText.includes('Saved in the folder')")
    saved = sorted(path.suffix for path in (folder / "work/saved").iterdir())
    assert saved == [".csv", ".png", ".svg"]
    page.close()


def _type(page, place: str, text: str) -> None:
    page.locator(place).click()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def _changed(page, act) -> float:
    """Seconds until the words differ from what they were, as the page itself measures them."""
    page.evaluate(
        "() => { const box = document.querySelector('.explore-words');"
        " const before = box.innerText; window.start = 0; window.took = 0;"
        " document.addEventListener('keydown', (event) => {"
        "   if (event.key === 'Enter') window.start = performance.now(); }, true);"
        " const look = () => { const now = document.querySelector('.explore-words')?.innerText;"
        "   if (now && now !== before) window.took = performance.now() - window.start;"
        "   else requestAnimationFrame(look); }; look(); }"
    )
    act()
    page.wait_for_function("window.took > 0")
    return page.evaluate("window.took") / 1000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_works_from_a_file(browser, tables, tmp_path, scheme):
    raw = load_raw()
    explorer = Explorer(Tables(build_readings(raw).readings, targets(raw), raw))
    start = Choice("province_63/83", origin="2024-12-31")
    view = explorer.view(start)
    said, table = spoken(sentences(view, "vi"), "vi"), scenarios(explorer, view, "vi")
    text = shipped.page(explorer, start, "vi", said, table)
    file = tmp_path / "explore.html"
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>x</title>{text}", encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    faults, asked = [], []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert page.locator(".finding span").all_inner_texts() == said
    assert page.locator("tbody tr").count() == len(table.table)
    page.select_option("select.unit", "province_63/38")
    assert "Thanh Hóa" in page.locator(".finding").inner_text()
    assert "Thanh Hóa" in page.locator("svg").text_content()
    page.locator("input.persons").focus()
    before = page.locator(".finding").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    after = page.locator(".finding").inner_text()
    assert after != before and page.locator("select.scenario").input_value() == "own"
    assert page.locator("svg path.s").count() == 1
    assert page.locator("label:has(input.persons) output").inner_text() in after
    took = page.evaluate(
        "() => { const slider = document.querySelector('input.persons');"
        " const start = performance.now();"
        " for (let i = 1; i <= 20; i++) { slider.value = i * slider.step;"
        "   slider.dispatchEvent(new Event('input')); document.body.offsetHeight; }"
        " return (performance.now() - start) / 20; }"
    )
    assert took < 50, f"a slider took {took:.0f} ms"
    for rate, name in (("si", "xã hội"), ("ui", "thất nghiệp"), ("hi", "y tế")):
        page.select_option("select.indicator", f"{rate}_coverage")
        assert f"bảo hiểm {name}" in page.locator(".finding").inner_text()
        assert page.locator("input.support").is_disabled() == (rate != "hi")
        assert page.locator("tbody tr").count() > 10
    page.select_option("select.scenario", "1")
    title = page.locator("select.scenario option:checked").inner_text()
    assert title in page.locator(".finding").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(file.as_uri() + "#country-00-si_coverage")
    page.reload()
    assert "Việt Nam" in page.locator(".finding").inner_text()
    assert faults == []
    assert all(one.startswith("file:") for one in asked)
    page.close()
