"""Figures carry alt text and data, give the same bytes, fit a phone, and stay readable in grey."""

import io
import itertools
import re
from xml.etree import ElementTree

import matplotlib
import pandas as pd
import pytest
from figure_rules import sizes_of_letters
from matplotlib.patches import Rectangle
from PIL import Image

from analysis.country import geography
from analysis.figures import style, vector
from analysis.figures.tiles import Extras, probability_steps, tile_map
from analysis.verdicts import percent


def drawn(values=(0.1, 0.95), language="en", extras=None):
    table = pd.DataFrame(
        {"geo_level": "province_34", "province_code": ["01", "79"], "value": list(values)}
    )
    words = {"title": "T", "legend": "L", "missing": "M", "footer": "F", "alt": "What it shows."}
    steps = probability_steps(language)
    more = {"extras": extras} if extras else {}
    return tile_map("map_of_units", table, steps, {"01": "10%"}, words, language, percent, **more)


def squares_of(figure):
    return [s for s in figure.drawing.axes[0].patches if s.get_width() > 50 and not s.get_gid()]


def test_the_bundle_has_pictures_alt_text_digest_and_data():
    figure = drawn()
    data, extra = figure._repr_mimebundle_()
    assert extra["image/png"]["alt"] == "What it shows."
    assert extra["image/png"]["width"] == style.WIDE
    assert data["text/plain"].startswith("What it shows.\n[map_of_units, 2 rows, data ")
    assert data["text/csv"] == figure.csv
    assert extra["text/csv"] == {"name": "map_of_units"}
    assert data["image/svg+xml"] == figure.svg("wide", "file")
    assert data[style.SVG_NARROW] == figure.svg("narrow", "file")


def test_a_changed_number_changes_what_nbval_compares():
    assert drawn().digest != drawn((0.1, 0.951)).digest
    assert drawn().csv != drawn((0.1, 0.951)).csv


def test_the_same_data_give_the_same_bytes():
    first, second = drawn(), drawn()
    assert first.png == second.png
    for layout, kind in itertools.product(("wide", "narrow"), ("inline", "file", "plain")):
        assert first.svg(layout, kind) == second.svg(layout, kind)


def test_making_a_png_between_leaves_the_svg_as_it_is():
    figure, other = drawn(), drawn()
    assert len(figure.png) > 1000
    assert figure.svg() == other.svg()


def test_an_svg_has_real_text_and_no_date():
    text = drawn().svg()
    said = "".join(ElementTree.fromstring(text).itertext())
    assert "10%" in said and "Ha Noi" in said
    assert not re.search(r"\b20\d\d-\d\d-\d\d", text)


def test_the_narrow_layout_is_drawn_again_for_a_phone():
    figure = drawn()
    assert 'viewBox="0 0 358 ' in figure.svg("narrow")
    assert 'viewBox="0 0 736 ' in figure.svg("wide")
    assert figure.html.count("<svg") == 2


def test_no_letter_of_a_map_is_smaller_than_eleven_pixels():
    for layout in ("wide", "narrow"):
        assert min(sizes_of_letters(drawn().svg(layout))) >= 11


def test_smaller_letters_are_raised_to_eleven_pixels():
    drawing = style.canvas(100)
    drawing.text(0, 0, "x", fontsize=6.6)
    figure = style.Figure("small", drawing, "x", pd.DataFrame({"a": [1]}))
    assert min(sizes_of_letters(figure.svg())) == 11


def test_every_colour_of_an_inline_figure_is_a_name_that_dark_mode_turns_over():
    for layout in ("wide", "narrow"):
        assert not re.findall(r"#[0-9a-f]{6}", drawn().svg(layout))
    used = set(re.findall(r"var\(--ch-(\w+)\)", drawn().svg()))
    assert used and used <= set(vector.PALETTE)
    assert all(f"--ch-{name}:" in vector.CSS for name in used)


def test_a_plain_figure_has_light_colours_and_no_style_sheet():
    text = drawn().svg("wide", "plain")
    assert "var(" not in text and "<style" not in text and 'class="c-' not in text
    assert vector.DIVERGING[4] in text


def test_a_stored_file_becomes_the_inline_figure():
    figure = drawn()
    for layout in ("wide", "narrow"):
        assert vector.inline(figure.svg(layout, "file")) == figure.svg(layout, "inline")


def test_names_inside_a_figure_differ_between_figures_layouts_and_data():
    def names(figure, layout):
        return set(re.findall(r' id="([^"]+)"', figure.svg(layout)))

    one, other = drawn(), drawn((0.2, 0.95))
    sets = [names(one, "wide"), names(one, "narrow"), names(other, "wide")]
    assert all(sets)
    assert all(not a & b for a, b in itertools.combinations(sets, 2))


def test_a_tile_leads_to_the_page_of_its_unit_and_says_what_it_stands_for():
    figure = drawn(extras=Extras({"01": 'Ha Noi: "10%" <a>'}, {"01": "briefs/01.html?a=1&b=2"}))
    root = ElementTree.fromstring(figure.svg())
    (link,) = root.iter("{http://www.w3.org/2000/svg}a")
    assert link.get("href") == "briefs/01.html?a=1&b=2"
    assert link.get("aria-label") == "Ha Noi 10%"
    (title,) = link.iter("{http://www.w3.org/2000/svg}title")
    assert title.text == 'Ha Noi: "10%" <a>'
    assert root.get("role") == "figure"


def test_a_tile_stands_for_every_unit_and_those_without_a_value_are_hatched():
    units = squares_of(drawn())
    assert len(units) == len(geography.codes("province_34"))
    assert sum(1 for s in units if s.get_hatch()) == len(units) - 2


def test_a_tile_has_the_colour_of_the_percentage_that_is_printed_on_it():
    units = [s for s in squares_of(drawn((0.665, 0.6651))) if not s.get_hatch()]
    at_edge = [matplotlib.colors.to_hex(s.get_facecolor()) for s in units]
    assert at_edge == [colour.lower() for colour in vector.DIVERGING[2:4]]


def test_the_legend_of_a_map_counts_its_units():
    said = [text.get_text() for text in drawn().drawing.axes[0].texts]
    assert "M: 32" in said
    assert sum(int(text.rsplit(": ", 1)[1]) for text in said if re.search(r": \d+$", text)) == 34


def test_a_unit_without_a_target_of_its_own_is_dotted_and_counted_apart():
    table = pd.DataFrame(
        {"geo_level": "province_34", "province_code": ["01", "79"], "value": [0.1, None]}
    )
    words = {"title": "T", "legend": "L", "missing": "M", "footer": "", "alt": "A", "aimless": "N"}
    figure = tile_map(
        "map_of_units", table, probability_steps("en"), {}, words, "en", percent,
        extras=Extras(aimless=frozenset({"79"})),
    )  # fmt: skip
    said = [text.get_text() for text in figure.drawing.axes[0].texts]
    assert "N: 1" in said and "M: 32" in said
    assert sorted({s.get_hatch() or "" for s in squares_of(figure)}) == ["", "..", "////"]


def test_the_steps_of_an_amount_keep_their_order_in_grey():
    grey = [style.luminance(colour) for colour in vector.STEPS]
    assert all((a + 0.05) / (b + 0.05) > 1.3 for a, b in itertools.pairwise(grey))


def test_the_steps_around_a_target_differ_in_grey_print():
    grey = sorted(style.luminance(colour) for colour in vector.DIVERGING)
    assert all((b + 0.05) / (a + 0.05) > 1.3 for a, b in itertools.pairwise(grey))


@pytest.mark.parametrize("mode", [0, 1])
def test_letters_on_every_step_have_enough_contrast_in_light_and_dark(mode):
    pairs = [(f"d{n}", f"on{n}") for n in range(1, 6)]
    pairs += [("paper", name) for name in ("ink", "soft", "target", "estimate", "second")]
    for ground, letters in pairs:
        both = [style.luminance(vector.PALETTE[name][mode]) for name in (ground, letters)]
        dark, light = sorted(both)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, letters)
    for colour in vector.STEPS:
        dark, light = sorted([style.luminance(colour), style.luminance(style.ink_on(colour))])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, colour


def test_a_picture_is_light():
    picture = Image.open(io.BytesIO(drawn().png))
    assert picture.mode == "P"
    assert len(drawn().png) < 100_000


def test_a_figure_without_alt_text_or_with_a_bad_name_is_refused():
    with pytest.raises(ValueError, match="no alt text"):
        style.Figure("a", style.blank(), " ", pd.DataFrame())
    with pytest.raises(ValueError, match="cannot name a figure"):
        style.Figure("../a", style.blank(), "x", pd.DataFrame())
    with pytest.raises(ValueError, match="wide or narrow"):
        drawn().svg("broad")
    with pytest.raises(ValueError, match="inline, file or plain"):
        drawn().svg("wide", "pdf")


def test_ticks_are_printed_with_the_decimals_that_their_places_need():
    axes = style.canvas(100).add_subplot()
    axes.set_ylim(81, 99)
    style.unit_ticks(axes.yaxis, "percent", "en")
    axes.set_yticks([82.5, 87.5, 92.5])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["82.5%", "87.5%", "92.5%"]


def test_labels_are_moved_apart_without_changing_their_order():
    placed = style.apart([5.0, 5.1, 1.0, 5.05], 1.0)
    assert placed[2] == 1.0
    assert placed[0] < placed[3] < placed[1]
    assert all(b - a >= 0.999 for a, b in itertools.pairwise(sorted(placed)))


def test_vietnamese_names_are_sorted_as_the_alphabet_has_them():
    names = ["Đồng Nai", "Bắc Ninh", "Gia Lai", "Điện Biên", "Cần Thơ", "Đắk Lắk"]
    expected = ["Bắc Ninh", "Cần Thơ", "Đắk Lắk", "Điện Biên", "Đồng Nai", "Gia Lai"]
    assert sorted(names, key=style.alphabetical) == expected


@pytest.mark.parametrize(
    ("name", "lines"),
    [("Hà Nội", 1), ("Ba Ria - Vung Tau", 2), ("Thừa Thiên Huế", 2), ("Ninh Thuận", 1)],
)
def test_long_names_break_into_two_lines(name, lines):
    assert len(style.two_lines(name).split("\n")) == lines


def test_a_dotted_hatching_is_written_as_arcs_at_the_same_places(monkeypatch):
    """Eight curves a dot would make a map with a few dotted tiles too heavy for a page."""
    drawing = style.canvas(60)
    axes = drawing.add_subplot()
    axes.axis("off")
    patch = Rectangle((0, 0), 1, 1, hatch="..", facecolor=vector.PAPER)
    axes.add_patch(patch)
    light = vector.svg(drawing, "c", "Dots.", "", "plain")
    with monkeypatch.context() as as_before:
        as_before.setattr(vector, "_by_radius", lambda found: found[0])
        heavy = vector.svg(drawing, "c", "Dots.", "", "plain")
    dots = re.findall(r"M(-?[\d.]+) (-?[\d.]+)a([\d.]+) ", light)
    curves = [
        [float(number) for number in re.findall(r"-?[\d.]+", path)]
        for path in re.findall(r"M[^MZz]*C[^MZz]*z", heavy)
    ]
    assert len(dots) == len(curves) > 100
    for (x, y, r), curve in zip(dots, curves, strict=True):
        across, down = curve[0::2], curve[1::2]
        assert float(x) == pytest.approx(min(across), abs=0.11)
        assert float(x) + 2 * float(r) == pytest.approx(max(across), abs=0.11)
        assert float(y) == pytest.approx((min(down) + max(down)) / 2, abs=0.11)
    assert len(light) < len(heavy) / 3


def test_an_outline_of_eight_curves_that_is_not_round_stays_as_it_is():
    oval = "M0 2" + "C1 1 2 2 3 3" * 8 + "z"
    assert vector._shape(oval) == oval
