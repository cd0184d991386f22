"""What every figure has to keep to: sizes of letters, bytes, and ticks where they are true."""

from __future__ import annotations

import re

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from analysis.figures import style

#: Bytes of an SVG on a page.
MOST_BYTES = 40_000
_NUMBER = re.compile(r"^[−+×]?\s?[\d.,]+\s?%?$")


def sizes_of_letters(svg: str) -> list[float]:
    """Return the sizes of all letters in pixels of a page that shows the figure at its width."""
    root = float(re.search(r'<svg[^>]* font-size="([\d.]+)"', svg)[1])
    texts = re.findall(r"<text([^>]*)>", svg)
    found = [re.search(r'font-size="([\d.]+)"', attributes) for attributes in texts]
    return [float(size[1]) if size else root for size in found]


def parsed(text: str, language: str) -> float | None:
    """Return the number that a label prints; None where it prints something else."""
    text = text.strip().replace("\N{NARROW NO-BREAK SPACE}", "")
    if not _NUMBER.match(text):
        return None
    bare = text.replace("−", "-").replace("+", "").replace("×", "").rstrip("%").strip()
    thousands, point = (",", ".") if language == "en" else (".", ",")
    return float(bare.replace(thousands, "").replace(point, "."))


def wrong_ticks(axes: Axes, language: str) -> list[tuple[float, str]]:
    """Return the ticks of an axes whose printed number is not their place.

    Names and years that stand for rows and dates are not numbers of the axis, and are passed by.
    """
    if not axes.axison or not axes.get_visible():
        return []
    wrong = []
    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, NullFormatter) or not axis.get_visible():
            continue
        fixed = isinstance(axis.get_major_locator(), FixedLocator)
        for place, label in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False):
            text = label.get_text()
            number = parsed(text, language)
            if number is None or (fixed and re.fullmatch(r"\d{4}", text)):
                continue
            near = abs(number - place) < 1e-6 or abs(number - 100 * place) < 1e-6
            if not near and "%Y" not in getattr(formatter, "fmt", ""):
                wrong.append((float(place), text))
    return wrong


def check(figure: style.Figure, language: str) -> None:
    """Assert that a figure keeps to all rules, on a page and on a phone."""
    for layout in ("wide", "narrow"):
        svg = figure.svg(layout)
        assert len(svg.encode()) <= MOST_BYTES, (figure.name, layout, len(svg.encode()))
        assert min(sizes_of_letters(svg)) >= 11, (figure.name, layout)
        wide = float(re.search(r'viewBox="0 0 (\d+) ', svg)[1])
        fits = style.NARROW if layout == "narrow" or figure.again is None else style.WIDE
        assert wide == fits, (figure.name, layout, wide)
        colours = re.findall(r"#[0-9a-f]{6}", svg)
        assert not colours, (figure.name, layout, colours)
    for drawing in (figure.drawing, figure.narrow_drawing):
        for axes in drawing.axes:
            assert wrong_ticks(axes, language) == [], (figure.name, language)
