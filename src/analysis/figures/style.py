"""One style for every chart, and the figure that carries its own alt text and data.

Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; a second mark
(line style, marker, direct label) always repeats what a colour says, so charts survive grey print.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing
from matplotlib.patheffects import withStroke
from PIL import Image

from analysis.results import CSV_TYPE, as_csv

INK = "#1b1f24"
SOFT = "#5b6470"
FAINT = "#d5dae0"
ESTIMATE = "#0072b2"
BAND = "#9ccbe8"
TARGET = "#b34700"
READING = "#1b1f24"
SECOND = "#00735c"
HIGHLIGHT = "#e69f00"

#: Light to dark: the five steps of a probability keep their order in grey.
STEPS = ("#eef4f9", "#b9d6eb", "#7db8dd", "#2474ab", "#0b3d70")

STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 8.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "hatch.color": "#c9d0d7",
    "figure.facecolor": "white",
    "svg.hashsalt": "analysis",
}
matplotlib.rcParams.update(dict(STYLE))  # type: ignore[arg-type]

_DPI = 150
#: DejaVu Sans at 7 points.
_LETTERS_PER_INCH = 18.5
_COLOURS = 128
#: Of zlib: the highest level takes seven times as long for files 5% smaller.
_COMPRESSION = 6
_NAME = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)*$")


@dataclass(frozen=True)
class Figure:
    """A drawing, the text that says the same, and the numbers that it shows.

    Attributes:
        name: name in lower case with underscores; names the files beside a page.
        drawing: the matplotlib figure.
        alt: what the drawing shows, for readers who cannot see it.
        data: the numbers drawn, one row a mark, for the CSV beside the figure.
    """

    name: str
    drawing: Drawing
    alt: str
    data: pd.DataFrame

    def __post_init__(self) -> None:
        """Check that the figure can be saved and read aloud.

        Raises:
            ValueError: the name could not serve as a file name, or there is no alt text.
        """
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} cannot name a figure: use a-z, 0-9 and underscores")
        if not self.alt.strip():
            raise ValueError(f"figure {self.name!r} has no alt text")

    @cached_property
    def png(self) -> bytes:
        """The picture: 150 dots an inch, at most 128 colours, the same bytes for the same data.

        Drawn straight onto a canvas: savefig would lay the figure out twice and encode every
        picture once more, in all its colours.
        """
        self.drawing.set_dpi(_DPI)
        canvas = FigureCanvasAgg(self.drawing)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        small = picture.quantize(
            _COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
        light = io.BytesIO()
        small.save(light, format="png", compress_level=_COMPRESSION, dpi=(_DPI, _DPI))
        return light.getvalue()

    @cached_property
    def csv(self) -> str:
        """The numbers drawn, as CSV text."""
        return as_csv(self.data)

    @property
    def digest(self) -> str:
        """A short mark of the numbers drawn: it changes when any of them does."""
        return hashlib.sha256(self.csv.encode()).hexdigest()[:12]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        content = {
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": f"{self.alt}\n[{self.name}, {len(self.data)} rows, data {self.digest}]",
            CSV_TYPE: self.csv,
        }
        inches = self.drawing.get_size_inches()
        width = round(float(inches[0]) * 96)
        extra = {
            "image/png": {"alt": self.alt, "width": width, "name": self.name},
            CSV_TYPE: {"name": self.name},
        }
        return content, extra


def blank(width: float = 7.2, height: float = 3.6) -> Drawing:
    """Return an empty drawing of a size in inches; charts are laid out by constrained layout."""
    return Drawing(figsize=(width, height), layout="constrained")


def headline(drawing: Drawing, text: str) -> None:
    """Head a drawing with what it shows, from its left edge."""
    wrapped = folded(text, float(drawing.get_size_inches()[0]) * _LETTERS_PER_INCH * 7 / 11.5)
    drawing.suptitle(wrapped, x=0.01, ha="left", fontsize=11, fontweight="bold")


def footer(drawing: Drawing, text: str) -> None:
    """Write sources and notes under a drawing."""
    wrapped = folded(text, float(drawing.get_size_inches()[0]) * _LETTERS_PER_INCH)
    drawing.supxlabel(wrapped, x=0.01, ha="left", fontsize=7, color=SOFT)


def folded(text: str, letters: float) -> str:
    """Break a text into lines of at most so many letters, at spaces."""
    return "\n".join(textwrap.wrap(text, int(letters), break_long_words=False))


def direct_label(axes: Axes, x: Any, y: float, text: str, colour: str, **where: Any) -> None:
    """Label a line or point beside it, in its own colour, in place of a legend."""
    options: dict[str, Any] = {
        "xytext": (5, 0),
        "ha": "left",
        "va": "center",
        "fontsize": 8,
    } | where
    halo = [withStroke(linewidth=2.5, foreground="white")]
    options |= {"textcoords": "offset points", "color": colour, "path_effects": halo}
    axes.annotate(text, (x, y), **options)


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on a colour (WCAG contrast)."""
    red, green, blue = (value**2.2 for value in matplotlib.colors.to_rgb(colour))
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.25 else INK


def two_lines(name: str, width: int = 10) -> str:
    """Break a name near its middle when it is longer than ``width`` letters."""
    words = name.replace("–", "– ").replace(" - ", " – ").split()
    if len(name) <= width or len(words) == 1:
        return " ".join(words)
    cuts: Sequence[int] = range(1, len(words))
    best = min(cuts, key=lambda at: max(len(" ".join(words[:at])), len(" ".join(words[at:]))))
    return " ".join(words[:best]) + "\n" + " ".join(words[best:])
