"""Drawings as light SVG: real text, colours by name, links and tooltips, the same bytes each time.

matplotlib writes every number with six decimals and every style in full; here a drawing is
written again with one decimal, styles said once, and the colours of the palette as variables of
a style sheet, so that a page in dark mode can turn them over.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

INK = "#1b1f24"
SOFT = "#5b6470"
FAINT = "#d5dae0"
TINT = "#eef1f4"
PAPER = "#ffffff"
HATCH = "#c9d0d7"
ESTIMATE = "#0072b2"
BAND = "#9ccbe8"
TARGET = "#b34700"
READING = "#1b1f25"
SECOND = "#00735c"
HIGHLIGHT = "#e69f00"

#: Light to dark, for amounts.
STEPS = ("#eef4f9", "#b9d6eb", "#7db8dd", "#2474ab", "#0b3d70")
#: From far below a target (brown) over about even (grey) to far above (teal). In grey print all
#: five differ: each is at least 1.3 times as light as the next darker one.
DIVERGING = ("#8a4b12", "#dcb77c", "#ebecee", "#5aa79c", "#003f39")
#: Letters on each of them.
ON = ("#fffffa", "#1b1f21", "#1b1f22", "#1b1f23", "#fffffb")

#: Name of a colour -> as drawn, in dark mode.
PALETTE: dict[str, tuple[str, str]] = {
    "ink": (INK, "#e8ebee"),
    "soft": (SOFT, "#aab3bd"),
    "faint": (FAINT, "#39414a"),
    "tint": (TINT, "#242b33"),
    "paper": (PAPER, "#14181d"),
    "hatch": (HATCH, "#56606b"),
    "estimate": (ESTIMATE, "#62b8ea"),
    "band": (BAND, "#1d557c"),
    "target": (TARGET, "#ff9d5c"),
    "reading": (READING, "#f2f4f6"),
    "second": (SECOND, "#45c9a5"),
    "highlight": (HIGHLIGHT, "#f0b53a"),
    "s1": (STEPS[0], "#1e2a35"),
    "s2": (STEPS[1], "#24465f"),
    "s3": (STEPS[2], "#2f6d96"),
    "s4": (STEPS[3], "#62aede"),
    "s5": (STEPS[4], "#c3e2f6"),
    "d1": (DIVERGING[0], "#d08a45"),
    "d2": (DIVERGING[1], "#7d5a2e"),
    "d3": (DIVERGING[2], "#454c54"),
    "d4": (DIVERGING[3], "#2a7268"),
    "d5": (DIVERGING[4], "#74d6c8"),
    "on1": (ON[0], "#14181d"),
    "on2": (ON[1], "#ffffff"),
    "on3": (ON[2], "#ffffff"),
    "on4": (ON[3], "#ffffff"),
    "on5": (ON[4], "#14181d"),
}
_NAMES = {light: name for name, (light, _) in PALETTE.items()}
FONT = '"Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", "Helvetica Neue", Arial, sans-serif'

#: Between the parts of the mark of a field that leads somewhere (see ``style.link``).
SEPARATOR = "\N{BROKEN BAR}"

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_DECIMALS = re.compile(r"-?\d+\.\d+")
_SPACES = re.compile(r"\s+")
_ROTATION = re.compile(r"rotate\(([-\d.e]+)")
_TRANSLATION = re.compile(r"translate\(([-\d.e]+)[ ,]+([-\d.e]+)")
_NUMBER = r"(-?[\d.]+)"
_POINT = f"{_NUMBER} {_NUMBER}"
#: From so many alike dots on they are written as one path.
_MANY = 40
_ROUND = re.compile(r"M-([\d.]+) 0a")
_CIRCLE = re.compile(r"M0 ([\d.]+)C.* 0 ([\d.]+)z")
_BOX = re.compile(rf"M{_POINT}L{_POINT}L{_POINT}L{_POINT}(?:L-?[\d.]+ -?[\d.]+)?z")
#: Classes of letters that stand at the middle or the end of their place.
_ANCHORS = {"middle": "m", "end": "e"}
_CLASS = re.compile(r'class="c-(\w+)[ "]')
#: A dot of a hatching: it starts below its middle and goes round in eight curves.
_DISC = re.compile(rf"M{_POINT}C((?:-?[\d.]+[ C]?){{48}})z")
_LETTERS = re.compile(r" ?([A-Za-z]) ?")
#: What a browser assumes anyway, or what cannot be seen.
_DEFAULT = {
    "stroke-linejoin": ("miter", "round"),
    "stroke-linecap": ("butt", "square", "round"),
    "stroke-miterlimit": None,
    "font-family": None,
    "font-style": ("normal",),
    "opacity": ("1",),
    "text-anchor": ("start",),
    "stroke-dashoffset": ("0",),
}  # fmt: skip


#: A light edge around letters.
_HALO = "paint-order:stroke;stroke:{};stroke-width:3.5px;stroke-linejoin:round"


def _variables(dark: bool) -> str:
    return ";".join(f"--ch-{name}:{pair[dark]}" for name, pair in PALETTE.items())


#: Where letters stand, and bold ones.
_PLACES = "{0}.m{{text-anchor:middle}}{0}.e{{text-anchor:end}}{0}.b{{font-weight:bold}}"


def _classes(names: Iterable[str], within: str = "") -> str:
    """Return the rules for letters in colours of the palette."""
    return "".join(f"{within}.c-{name}{{fill:var(--ch-{name})}}" for name in names)


#: For a page with inline figures: the colours, light and dark, and which layout is shown. A page
#: may set ``data-theme`` on its root to choose against the reader's system.
CSS = f"""
:root{{{_variables(dark=False)}}}
@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{_variables(dark=True)}}}}}
:root[data-theme="dark"]{{{_variables(dark=True)}}}
@media print{{:root{{{_variables(dark=False)}}}}}
svg.chart .ha{{{_HALO.format("var(--ch-paper)")}}}
svg.chart .hit{{fill:none;pointer-events:all}}
{_PLACES.format("svg.chart ")}
{_classes(PALETTE, "svg.chart ")}
svg.chart{{display:block;width:100%;height:auto;font-family:inherit}}
svg.chart a:hover *,svg.chart a:focus *{{stroke:var(--ch-ink);stroke-width:2px}}
svg.chart.wide{{max-width:736px}}
svg.chart.narrow{{display:none;max-width:30rem}}
@media (max-width:767px){{svg.chart.wide{{display:none}}svg.chart.narrow{{display:block}}}}
""".strip()

_FILE_CSS = (
    f".ha{{{_HALO.format('var(--ch-paper)')}}}.hit{{fill:none;pointer-events:all}}"
    f"{_PLACES.format('')}svg{{{_variables(dark=False)}}}"
    f"@media (prefers-color-scheme:dark){{svg{{{_variables(dark=True)}}}}}"
)


def svg(drawing: Drawing, mark: str, alt: str, layout: str, kind: str) -> str:
    """Return a drawing as SVG (see ``style.Figure.svg``).

    Args:
        drawing: the drawing; a unit is a pixel.
        mark: unlike that of any other figure of a page; what the drawing refers to inside itself
            is named after it.
        alt: what it shows.
        layout: ``wide``, ``narrow``, or empty where a figure has one layout.
        kind: ``inline``, ``file`` or ``plain``.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in ("inline", "file", "plain"):
        raise ValueError(f"an SVG is inline, file or plain, not {kind!r}")
    text = io.StringIO()
    empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    FigureCanvasSVG(drawing).print_svg(text, metadata=empty)
    root = ElementTree.fromstring(text.getvalue())
    writer = _Writer(f"{mark}", kind)
    body = "".join(writer.written(child) for child in root)
    wide, tall = (f"{72 * inches:.0f}" for inches in drawing.get_size_inches())
    return _frame(body, float(wide), float(tall), alt, layout, kind)


def _frame(body: str, wide: float, tall: float, alt: str, layout: str, kind: str) -> str:
    """Return marks with the frame of an SVG around them."""
    role = "figure" if "<a " in body else "img"
    size = "" if kind == "inline" else f' width="{wide:.0f}" height="{tall:.0f}"'
    family = "" if kind == "inline" else f' font-family="{html.escape(FONT)}"'
    sheet = paper = ""
    if kind == "file":
        used = sorted(set(_CLASS.findall(body)))
        sheet = f"<style>{_FILE_CSS}{_classes(used)}</style>"
        paper = f'<path d="M0 0h{wide:.0f}v{tall:.0f}H0z" style="fill:{coloured(PAPER, kind)}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {layout}"{size}'
        f' viewBox="0 0 {wide:.0f} {tall:.0f}" role="{role}" aria-label="{html.escape(alt)}"'
        f'{family} font-size="11">{sheet}{paper}{body}</svg>'
    ).replace("chart ", "chart " if layout else "chart", 1)


def coloured(text: str, kind: str) -> str:
    """Return a style with the colours of the palette as variables."""
    if kind == "plain":
        return text
    return _COLOUR.sub(lambda found: _variable(found[0]), text)


def variable(colour: str) -> str:
    """Return a colour of the palette as a variable that falls back to its light form."""
    return f"var(--ch-{_NAMES[colour]},{colour})"


def _variable(colour: str) -> str:
    name = _NAMES.get(colour)
    return f"var(--ch-{name})" if name else colour


class _Writer:
    """Writes the elements of one drawing."""

    def __init__(self, prefix: str, kind: str) -> None:
        self.prefix, self.kind = prefix, kind
        self.names: dict[str, str] = {}
        #: Outlines of marks by the name that matplotlib gave them.
        self.shapes: dict[str, str] = {}

    def written(self, node: ElementTree.Element) -> str:
        """Return an element and what it holds."""
        tag = node.tag.removeprefix(_SVG)
        gid = node.get("id", "")
        if tag in ("metadata", "style") or gid == "patch_1":
            return ""
        if tag == "text":
            return self.text(node)
        if tag == "g":
            return self.group(node)
        if tag == "path" and gid:
            self.shapes[gid] = _shape(_LETTERS.sub(r"\1", self.numbers(node.get("d", ""))))
        inside = "".join(self.written(child) for child in node)
        if tag == "defs" and not inside:
            return ""
        attributes = "".join(self.attributes(node, tag))
        return f"<{tag}{attributes}>{inside}</{tag}>" if inside else f"<{tag}{attributes}/>"

    def group(self, node: ElementTree.Element) -> str:
        gid = node.get("id", "")
        if gid.startswith("link" + SEPARATOR):
            return self.link(node, gid)
        _merge(node)
        dots = self.dots(node)
        if dots:
            return dots
        hoisted = self.hoisted(node)
        inside = "".join(self.written(child) for child in node)
        if gid == "halo":
            edge = f'style="{_HALO.format(PAPER)}"' if self.kind == "plain" else 'class="ha"'
            return f"<g {edge}>{inside}</g>"
        clip = node.get("clip-path")
        clip = f' clip-path="{self.reference(clip)}"' if clip else ""
        if not inside or not (clip or hoisted):
            return inside
        return f"<g{clip}{hoisted}>{inside}</g>"

    def dots(self, node: ElementTree.Element) -> str:
        """Write many alike round dots as one path of round ends; empty for anything else."""
        uses = [child for child in node if child.tag == f"{_SVG}use"]
        marks = {(use.get(f"{_XLINK}href", "")[1:], use.get("style", "")) for use in uses}
        if len(uses) < _MANY or len(marks) != 1:
            return ""
        ((name, text),) = marks
        look = dict(_pairs(text))
        round_one = _ROUND.match(self.shapes.get(name, ""))
        if not round_one or look.get("fill") != look.get("stroke") or "opacity" in text:
            return ""
        places = "".join(f"M{_short(u.get('x', '0'))} {_short(u.get('y', '0'))}h0" for u in uses)
        wide = 2 * float(round_one[1]) + float(look.get("stroke-width", "1"))
        stroke = coloured(f"fill:none;stroke:{look['fill']}", self.kind)
        style = f"{stroke};stroke-width:{wide:g};stroke-linecap:round"
        clip = node.get("clip-path")
        clip = f' clip-path="{self.reference(clip)}"' if clip else ""
        return f'<path d="{places}"{clip} style="{style}"/>'

    def hoisted(self, node: ElementTree.Element) -> str:
        """Take the style that all children share off them; it is written once."""
        uses = [child for child in node if child.tag == f"{_SVG}use"]
        styles = {child.get("style", "") for child in uses}
        if len(uses) < 2 or len(styles) != 1:
            return ""
        for child in uses:
            child.attrib.pop("style", None)
        return self.style(styles.pop())

    def link(self, node: ElementTree.Element, gid: str) -> str:
        """Return a field that says something when pointed at; on paper there is none."""
        if self.kind == "plain":
            return ""
        _, address, label, text = (html.escape(part) for part in gid.split(SEPARATOR, 3))
        area = "".join(self.written(child) for child in node)
        field = re.sub(r'style="[^"]*"', 'class="hit"', area, count=1)
        if not address:
            return field.replace("/>", f"><title>{text}</title></path>", 1)
        return f'<a href="{address}" aria-label="{label}"><title>{text}</title>{field}</a>'

    def text(self, node: ElementTree.Element) -> str:
        style = dict(_pairs(node.get("style", "")))
        transform = node.get("transform", "")
        moved = _TRANSLATION.search(transform)
        x, y = moved.groups() if moved else (node.get("x", "0"), node.get("y", "0"))
        x, y = _short(x), _short(y)
        turn = _ROTATION.search(transform)
        turned = ""
        if turn and abs(float(turn[1])) > 0.01:
            turned = f' transform="rotate({float(turn[1]):g} {x} {y})"'
        shown = {name: value for name, value in style.items() if _said(name, value)}
        weight, size = shown.pop("font-weight", ""), shown.pop("font-size", "")
        if "font" in shown:
            weight, size = _font(shown.pop("font"))
        anchor = shown.pop("text-anchor", "")
        shown.setdefault("fill", "#000000")
        parts = [f' x="{x}" y="{y}"{turned}']
        if size and size != "11px":
            parts.append(f' font-size="{size.removesuffix("px")}"')
        if self.kind == "plain" or set(shown) != {"fill"} or shown["fill"] not in _NAMES:
            if weight == "700":
                parts.append(' font-weight="bold"')
            if anchor:
                parts.append(f' text-anchor="{anchor}"')
            style_text = coloured(";".join(f"{n}:{v}" for n, v in shown.items()), self.kind)
            parts.append(f' style="{style_text}"')
        else:
            classes = [f"c-{_NAMES[shown['fill']]}", _ANCHORS.get(anchor, "")]
            classes.append("b" if weight == "700" else "")
            parts.append(f' class="{" ".join(filter(None, classes))}"')
        return f"<text{''.join(parts)}>{html.escape(node.text or '', quote=False)}</text>"

    def attributes(self, node: ElementTree.Element, tag: str) -> Iterator[str]:
        for name, value in node.attrib.items():
            plain = name.removeprefix(_XLINK)
            if plain == "id":
                yield f' id="{self.named(value)}"'
            elif plain == "style":
                yield self.style(value)
            elif plain in ("href", "clip-path"):
                yield f' {plain}="{self.reference(value)}"'
            elif plain == "d":
                tight = _shape(_LETTERS.sub(r"\1", self.numbers(value)))
                yield f' d="{tight}"'
            else:
                yield f' {plain}="{coloured(self.numbers(value), self.kind)}"'

    def style(self, text: str) -> str:
        pairs = [(n, v) for n, v in _pairs(text) if _said(n, v)]
        if not pairs:
            return ""
        short = ";".join(f"{name}:{self.numbers(value)}" for name, value in pairs)
        short = re.sub(r"url\((#\w+)\)", lambda found: f"url({self.reference(found[1])})", short)
        return f' style="{coloured(short, self.kind)}"'

    def named(self, gid: str) -> str:
        """Return the name of something inside the drawing, short and its own on a page."""
        return self.names.setdefault(gid, f"{self.prefix}{len(self.names)}")

    def reference(self, value: str) -> str:
        return re.sub(r"#([\w-]+)", lambda found: f"#{self.named(found[1])}", value)

    def numbers(self, value: str) -> str:
        short = _DECIMALS.sub(lambda found: _short(found[0]), value)
        return _SPACES.sub(" ", short).strip()


def _shape(path: str) -> str:
    """Write an upright rectangle by its sides, and a circle around nought by its radius."""
    circle = _CIRCLE.fullmatch(path)
    if circle and path.count("C") == 8 and circle[1] == circle[2]:
        r = circle[1]
        return f"M-{r} 0a{r} {r} 0 1 0 {2 * float(r):g} 0a{r} {r} 0 1 0 -{2 * float(r):g} 0z"
    return _DISC.sub(_by_radius, _BOX.sub(_by_sides, path))


def _by_radius(found: re.Match[str]) -> str:
    """Write a round dot as two arcs; any other outline of eight curves stays as it is."""
    x, low = float(found[1]), float(found[2])
    numbers = [float(number) for number in re.split("[ C]", found[3])]
    (right, middle), (over, high) = numbers[10:12], numbers[22:24]
    r = round(low - middle, 1)
    near = (right - x - r, middle - high - r, over - x, numbers[46] - x, numbers[47] - low)
    if r <= 0 or max(map(abs, near)) > 0.11:
        return found[0]
    wide = f"{2 * r:g}"
    return f"M{x - r:g} {middle:g}a{r:g} {r:g} 0 1 0 {wide} 0a{r:g} {r:g} 0 1 0 -{wide} 0z"


def _by_sides(found: re.Match[str]) -> str:
    x0, y0, x1, y1, x2, y2, x3, y3 = found.groups()
    if (y0, x1, y2, x3) != (y1, x2, y3, x0):
        return found[0]
    return f"M{x0} {y0}H{x1}V{y2}H{x0}z"


def _merge(node: ElementTree.Element) -> None:
    """Make lines that look the same one path; they are drawn alike and take a tenth of the room."""
    lines = [child for child in node if child.tag == f"{_SVG}path"]
    looks = {(line.get("style", ""), line.get("clip-path", "")) for line in lines}
    if len(lines) < 2 or len(lines) < len(node) or len(looks) != 1:
        return
    # See-through marks show where they overlap; as one path they would not.
    if "opacity" in looks.pop()[0]:
        return
    lines[0].set("d", " ".join(line.get("d", "") for line in lines))
    for line in lines[1:]:
        node.remove(line)


def _pairs(style: str) -> Iterator[tuple[str, str]]:
    for part in style.split(";"):
        name, _, value = part.partition(":")
        if value:
            yield name.strip(), value.strip()


def _said(name: str, value: str) -> bool:
    """Tell whether a browser would not assume the same anyway."""
    if name not in _DEFAULT:
        return True
    usual = _DEFAULT[name]
    return usual is not None and value not in usual


def _font(value: str) -> tuple[str, str]:
    """Return weight and size of a font written in one."""
    size = re.search(r"([\d.]+)px", value)
    weight = re.search(r"\b(bold|[1-9]00)\b", value.split("px")[0])
    bold = {"bold": "700"}
    found = weight[0] if weight else "400"
    return bold.get(found, found), f"{float(size[1]):g}px" if size else ""


def _short(number: str) -> str:
    text = f"{float(number):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def inline(text: str) -> str:
    """Return an SVG of the kind ``file`` as one of the kind ``inline``, as pages carry it."""
    head, _, rest = text.partition(">")
    head = re.sub(r' (width|height|font-family)="[^"]*"', "", head)
    rest = re.sub(r'^<style>[^<]*</style><path d="[^"]*" style="[^"]*"/>', "", rest)
    return f"{head}>{rest}"
