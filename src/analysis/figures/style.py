"""One style for every chart, and the figure that carries its own alt text and data.

A unit of a drawing is a pixel of the page: a figure is 736 wide where the page has room and is
drawn once more, 358 wide, for a phone, so that no letter is ever smaller than 11 pixels. Colours
are names of a palette; a page that knows the names turns them over for dark mode. Lines and
points have the colours of Okabe and Ito (2008), which colour-blind readers can tell apart, and a
second mark (line style, marker, direct label) repeats what a colour says.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, wraps
from typing import Any, ParamSpec

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, Formatter
from PIL import Image

from analysis.figures import vector
from analysis.figures.vector import DIVERGING, FAINT, HATCH, INK, ON, PAPER, SOFT
from analysis.report.results import CSV_TYPE, as_csv
from analysis.report.wording import write

#: Widths of a figure in pixels of the page: beside text, and on a phone 390 wide.
WIDE, NARROW = 736, 358
#: Sizes of letters in pixels of the page; nothing is smaller than SMALL.
TITLE, TEXT, SMALL = 15, 12, 11

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.labelsize": SMALL,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
    "lines.linewidth": 2.0,
    "lines.markersize": 7,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "hatch.linewidth": 0.8,
    "hatch.color": HATCH,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "figure.dpi": 72,
    "svg.fonttype": "none",
    "svg.hashsalt": "analysis",
    "figure.constrained_layout.w_pad": 3 / 72,
    "figure.constrained_layout.h_pad": 4 / 72,
}
matplotlib.rcParams.update(STYLE)  # type: ignore[arg-type]

_INCH = 72
#: Pixels that the name of a row may take on a phone.
_NAMES = 136.0
#: Dots of a PNG for each pixel of the page.
SHARP = 1.5
#: Mean width of a letter of DejaVu Sans, in parts of its size; the page's letters are narrower.
_LETTER, _BOLD = 0.545, 0.615
_COLOURS = 128
#: Of zlib: the highest level takes seven times as long for files 5% smaller.
_COMPRESSION = 6
_NAME = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)*$")
#: Texts and marks that a light edge keeps apart from what runs behind them.
HALO = "halo"
SVG_NARROW = "application/vnd.analysis.narrow+svg"

_width: ContextVar[int] = ContextVar("width", default=WIDE)
_P = ParamSpec("_P")


@dataclass(frozen=True)
class Figure:
    """A drawing, the text that says the same, and the numbers that it shows.

    Attributes:
        name: name in lower case with underscores; names the files beside a page.
        drawing: the matplotlib figure, as wide as a page has room for.
        alt: what the drawing shows, for readers who cannot see it.
        data: the numbers drawn, one row a mark, for the CSV beside the figure.
        again: draws the figure once more at the width of the context, for phones (see
            :func:`both_widths`); a figure that fits a phone as it is has none.
    """

    name: str
    drawing: Drawing
    alt: str
    data: pd.DataFrame
    again: Callable[[], Figure] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check that the figure can be saved and read aloud.

        Raises:
            ValueError: the name could not serve as a file name, or there is no alt text.
        """
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} cannot name a figure: use a-z, 0-9 and underscores")
        if not self.alt.strip():
            raise ValueError(f"figure {self.name!r} has no alt text")
        for text in self.drawing.findobj(Text):
            if float(text.get_fontsize()) < SMALL:
                text.set_fontsize(SMALL)

    @cached_property
    def narrow_drawing(self) -> Drawing:
        """The same for a phone: drawn again at 358 pixels, or the drawing that fits as it is."""
        if self.again is None:
            return self.drawing
        with _as_wide_as(NARROW):
            drawing = self.again().drawing
        for axes in drawing.axes:
            _fold_names(axes)
        return drawing

    def svg(self, layout: str = "wide", kind: str = "inline") -> str:
        """Return the figure as SVG with real text: the same bytes for the same data.

        Args:
            layout: ``wide`` (736 pixels) or ``narrow`` (358, for phones).
            kind: ``inline`` for a page that has :data:`vector.CSS`; ``file`` with its own
                colours, light and dark; ``plain`` with light colours written out, for programs
                without style sheets (PDF, Word).

        Raises:
            ValueError: there is no such layout or kind.
        """
        if layout not in ("wide", "narrow"):
            raise ValueError(f"a figure is wide or narrow, not {layout!r}")
        drawing = self.drawing if layout == "wide" else self.narrow_drawing
        # Named after the numbers drawn too: a page may show one figure of two units.
        mark = "c" + hashlib.sha256((self.name + self.csv).encode()).hexdigest()[:4] + layout[:1]
        return vector.svg(drawing, mark, self.alt, layout if self.again else "", kind)

    @cached_property
    def html(self) -> str:
        """Both layouts side by side; :data:`vector.CSS` shows the one that fits."""
        layouts = ("wide", "narrow") if self.again else ("wide",)
        return "".join(self.svg(layout) for layout in layouts)

    @cached_property
    def png(self) -> bytes:
        """The picture: 1.5 dots a pixel, at most 128 colours, the same bytes for the same data.

        Drawn straight onto a canvas: savefig would lay the figure out twice and encode every
        picture once more, in all its colours.
        """
        halo: list[AbstractPathEffect] = [withStroke(linewidth=3.5, foreground=PAPER)]
        marked = [text for text in self.drawing.findobj(Text) if text.get_gid() == HALO]
        for text in marked:
            text.set_path_effects(halo)
        self.drawing.set_dpi(_INCH * SHARP)
        canvas = FigureCanvasAgg(self.drawing)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        self.drawing.set_dpi(_INCH)
        for text in marked:
            text.set_path_effects([])
        small = picture.quantize(
            _COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
        light = io.BytesIO()
        dots = _INCH * SHARP
        small.save(light, format="png", compress_level=_COMPRESSION, dpi=(dots, dots))
        return light.getvalue()

    @cached_property
    def csv(self) -> str:
        """The numbers drawn, as CSV text."""
        return as_csv(self.data)

    @cached_property
    def digest(self) -> str:
        """A short mark of the numbers drawn: it changes when any of them does."""
        return hashlib.sha256(self.csv.encode()).hexdigest()[:12]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        content = {
            "image/svg+xml": self.svg("wide", "file"),
            "image/png": base64.b64encode(self.png).decode("ascii"),
            "text/plain": f"{self.alt}\n[{self.name}, {len(self.data)} rows, data {self.digest}]",
            CSV_TYPE: self.csv,
        }
        if self.again is not None:
            content[SVG_NARROW] = self.svg("narrow", "file")
        wide = round(float(self.drawing.get_size_inches()[0]) * _INCH)
        extra = {
            "image/png": {"alt": self.alt, "width": wide, "name": self.name},
            CSV_TYPE: {"name": self.name},
        }
        return content, extra


def both_widths(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Let a figure be drawn once more for phones: :func:`width` then says 358."""

    @wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        return replace(draw(*args, **kwargs), again=partial(draw, *args, **kwargs))

    return drawn


def _fold_names(axes: Axes) -> None:
    """Break the long names of rows and axes into the lines that a phone has room for."""
    axes.set_xlabel(fold_pixels(axes.get_xlabel(), _NAMES * 1.8))
    if not isinstance(axes.yaxis.get_major_locator(), FixedLocator):
        return
    labels = [label.get_text() for label in axes.get_yticklabels()]
    if any(text_width(text) > _NAMES for text in labels):
        axes.set_yticks(
            axes.get_yticks(), [fold_pixels(" ".join(text.split()), _NAMES) for text in labels]
        )


@contextmanager
def _as_wide_as(pixels: int) -> Iterator[None]:
    token = _width.set(pixels)
    try:
        yield
    finally:
        _width.reset(token)


def width() -> int:
    """Return how many pixels wide a figure is to be drawn."""
    return _width.get()


def narrow() -> bool:
    """Tell whether a figure is drawn for a phone."""
    return _width.get() < WIDE


def canvas(height: float, narrow_height: float | None = None) -> Drawing:
    """Return an empty drawing of a height in pixels, laid out by constrained layout.

    narrow_height: the height on a phone where it differs.
    """
    tall = narrow_height if narrow_height is not None and narrow() else height
    return Drawing(figsize=(width() / _INCH, tall / _INCH), layout="constrained")


def blank(width: float = 7.2, height: float = 3.6) -> Drawing:
    """Return an empty drawing as wide as the context asks, its shape given in inches of paper.

    On a phone it is a third higher, since the names of rows then take two lines.

    Args:
        width: the width that the height is meant for.
        height: the height at that width.
    """
    tall = round(height * 7.5 / width * 98)
    return canvas(tall, round(1.3 * tall))


def pixels(drawing: Drawing) -> tuple[float, float]:
    """Return width and height of a drawing in pixels."""
    wide, tall = drawing.get_size_inches() * _INCH
    return float(wide), float(tall)


def panels(drawing: Drawing, count: int, **options: Any) -> list[Axes]:
    """Return axes side by side, or one below another on a phone."""
    shape = (count, 1) if narrow() else (1, count)
    if narrow():
        options.pop("width_ratios", None)
    return list(np.ravel(drawing.subplots(*shape, **options)))


def headline(drawing: Drawing, text: str) -> None:
    """Head a drawing with what it shows, from its left edge."""
    size = TITLE if pixels(drawing)[0] > NARROW else TITLE - 1
    wrapped = folded(text, (pixels(drawing)[0] - 8) / (size * _BOLD))
    drawing.suptitle(wrapped, x=0.005, ha="left", fontsize=size, fontweight="bold")


def footer(drawing: Drawing, text: str) -> None:
    """Write sources and notes under a drawing."""
    wrapped = folded(text, (pixels(drawing)[0] - 8) / (SMALL * _LETTER))
    drawing.supxlabel(wrapped, x=0.005, ha="left", fontsize=SMALL, color=SOFT)


def folded(text: str, letters: float) -> str:
    """Break a text into lines of at most so many letters, at spaces."""
    return "\n".join(textwrap.wrap(text, int(letters), break_long_words=False))


def fold_pixels(text: str, pixels: float, size: float = SMALL, bold: bool = False) -> str:
    """Break a text into lines of at most so many pixels."""
    return folded(text, max(3.0, pixels / (size * (_BOLD if bold else _LETTER))))


def text_width(text: str, size: float = SMALL, bold: bool = False) -> float:
    """Return about how many pixels wide the longest line of a text is."""
    longest = max(len(line) for line in text.split("\n"))
    return longest * size * (_BOLD if bold else _LETTER)


def direct_label(axes: Axes, x: Any, y: float, text: str, colour: str, **where: Any) -> None:
    """Label a line or point beside it, in its own colour, in place of a legend."""
    options: dict[str, Any] = {
        "xytext": (7, 0),
        "ha": "left",
        "va": "center",
        "fontsize": SMALL,
    } | where
    options |= {"textcoords": "offset points", "color": colour, "gid": HALO}
    axes.annotate(text, (x, y), **options)


def link(
    axes: Axes,
    corner: tuple[float, float],
    size: tuple[float, float],
    text: str,
    address: str = "",
    label: str = "",
) -> None:
    """Lay a field over marks that says a text when pointed at and leads to an address.

    Nothing of it is seen; in a PNG it is not there.

    Args:
        axes: where; the field is in its numbers.
        corner, size: of the field.
        text: shown when the field is pointed at.
        address: page that the field leads to; empty for none.
        label: name of the link for screen readers; the text by default.
    """
    gid = vector.SEPARATOR.join(("link", address, label or text, text))
    look: dict[str, Any] = {"facecolor": PAPER, "alpha": 0, "linewidth": 0, "clip_on": False}
    axes.add_patch(Rectangle(corner, *size, gid=gid, **look))


class _Exact(Formatter):
    """Writes every tick with as many decimals as the ticks of its axis need."""

    def __init__(self, spec: str, language: str) -> None:
        self.spec, self.language, self.digits = spec, language, 0

    def set_locs(self, locs: Any) -> None:
        super().set_locs(locs)
        self.digits = _digits([100 * v if self.spec == "share" else v for v in locs])

    def __call__(self, value: float, place: int | None = None) -> str:
        digits = self.digits if place is not None else _digits([value])
        return write(value, f"{self.spec}{digits}", self.language)


def _digits(values: Sequence[float]) -> int:
    """Return how many decimals (up to 4) print every value as it is."""
    return next((n for n in range(4) if all(abs(v - round(v, n)) < 1e-6 for v in values)), 4)


def unit_ticks(axis: Axis, spec: str, language: str, most: int = 6) -> None:
    """Write the numbers of an axis at the places where they are true.

    Args:
        axis: an axis of numbers.
        spec: ``percent``, ``share``, ``number``, ``signed`` or ``integer``.
        language: ``en`` or ``vi``.
        most: how many intervals at most.
    """
    locator = matplotlib.ticker.MaxNLocator(most, steps=[1, 2, 5, 10])
    axis.set_major_locator(locator)
    axis.set_major_formatter(_Exact("number" if spec == "integer" else spec, language))


def rows_grid(axes: Axes) -> None:
    """Give a chart of rows upright grid lines and no axis line at its left."""
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0, labelcolor=INK)


def apart(values: Sequence[float], least: float) -> list[float]:
    """Heights in the same order, at least so far apart, as near to the values as that allows."""
    order = np.argsort(values, kind="stable")
    groups: list[list[int]] = []

    def first(group: list[int]) -> float:
        return float(np.mean([values[i] for i in group])) - least * (len(group) - 1) / 2

    for index in order:
        groups.append([int(index)])
        while (
            len(groups) > 1
            and first(groups[-1]) - (first(groups[-2]) + least * (len(groups[-2]) - 1)) < least
        ):
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = [math.nan] * len(values)
    for group in groups:
        for at, index in enumerate(group):
            placed[index] = first(group) + at * least
    return placed


def alphabetical(name: str) -> str:
    """Return what names are sorted by: letters without marks, but D before Đ."""
    plain = unicodedata.normalize("NFD", name.replace("Đ", "Dz").replace("đ", "dz"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).lower()


def ink_on(colour: str) -> str:
    """Return the colour of letters on a step of a palette: dark or light, whichever reads better.

    Letters on a step of the diverging palette have a name of their own, since in dark mode the
    step may need the other one.
    """
    if colour in DIVERGING:
        return ON[DIVERGING.index(colour)]
    return PAPER if luminance(colour) < 0.25 else INK


def luminance(colour: str) -> float:
    """Return how light a colour is, from 0 to 1 (WCAG, approximately)."""
    red, green, blue = (value**2.2 for value in matplotlib.colors.to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def two_lines(name: str, width: int = 10) -> str:
    """Break a name near its middle when it is longer than ``width`` letters."""
    words = name.replace("–", "– ").replace(" - ", " – ").split()
    if len(name) <= width or len(words) == 1:
        return " ".join(words)
    cuts: Sequence[int] = range(1, len(words))
    best = min(cuts, key=lambda at: max(len(" ".join(words[:at])), len(" ".join(words[at:]))))
    return " ".join(words[:best]) + "\n" + " ".join(words[best:])


def sheet(
    body: float, title: str, note: str = "", wide: int | None = None
) -> tuple[Drawing, float]:
    """Return a drawing with title and note, and where its body of so many pixels begins.

    The body is placed by hand with :func:`place`, which is many times as fast as constrained
    layout. The number returned is pixels from the top.

    Args:
        body: pixels of the body.
        title: what the drawing shows; may be empty.
        note: sources and explanations under the body; may be empty.
        wide: width in pixels, that of the context by default.
    """
    wide = wide or width()
    size = TITLE if wide > NARROW else TITLE - 1
    head = fold_pixels(title, wide - 6, size, bold=True) if title else ""
    foot = fold_pixels(note, wide - 6) if note else ""
    top = 8.0 + size * 1.25 * (head.count("\n") + 1) if head else 2.0
    below = 6.0 + SMALL * 1.3 * (foot.count("\n") + 1) if foot else 2.0
    tall = top + body + below
    drawing = Drawing(figsize=(wide / _INCH, tall / _INCH))
    if head:
        place_text(drawing, 2, 2, head, fontsize=size, fontweight="bold", linespacing=1.15)
    if foot:
        place_text(drawing, 2, top + body + 6, foot, color=SOFT, linespacing=1.2)
    return drawing, top


def place(drawing: Drawing, left: float, top: float, wide: float, tall: float) -> Axes:
    """Return axes at a place in pixels from the upper left corner of a drawing."""
    across, down = pixels(drawing)
    return drawing.add_axes((left / across, 1 - (top + tall) / down, wide / across, tall / down))


def place_text(drawing: Drawing, left: float, top: float, text: str, **look: Any) -> None:
    """Write a text at a place in pixels from the upper left corner of a drawing."""
    across, down = pixels(drawing)
    options: dict[str, Any] = {"va": "top", "ha": "left", "fontsize": SMALL, "color": INK} | look
    drawing.text(left / across, 1 - top / down, text, **options)
