"""Figures carry alt text and data, give the same bytes, and stay readable in grey."""

import io
import itertools

import matplotlib
import pandas as pd
import pytest
from PIL import Image

from analysis import geography
from analysis.figures import style
from analysis.figures.tiles import probability_steps, tile_map
from analysis.verdicts import percent


def drawn(values=(0.1, 0.95), language="en"):
    table = pd.DataFrame(
        {"geo_level": "province_34", "province_code": ["01", "79"], "value": list(values)}
    )
    words = {"title": "T", "legend": "L", "missing": "M", "footer": "F", "alt": "What it shows."}
    steps = probability_steps(language)
    return tile_map("map_of_units", table, steps, {"01": "10%"}, words, language, percent)


def test_the_bundle_has_picture_alt_text_digest_and_data():
    figure = drawn()
    data, extra = figure._repr_mimebundle_()
    assert extra["image/png"]["alt"] == "What it shows."
    assert data["text/plain"].startswith("What it shows.\n[map_of_units, 2 rows, data ")
    assert data["text/csv"] == figure.csv
    assert extra["text/csv"] == {"name": "map_of_units"}


def test_a_changed_number_changes_what_nbval_compares():
    assert drawn().digest != drawn((0.1, 0.951)).digest
    assert drawn().csv != drawn((0.1, 0.951)).csv


def test_the_same_data_give_the_same_bytes():
    assert drawn().png == drawn().png


def test_a_tile_stands_for_every_unit_and_those_without_a_value_are_hatched():
    squares = drawn().drawing.axes[0].patches
    units = [s for s in squares if s.get_width() > 0.5]
    assert len(units) == len(geography.codes("province_34"))
    assert sum(1 for s in units if s.get_hatch()) == len(units) - 2


def test_a_tile_has_the_colour_of_the_percentage_that_is_printed_on_it():
    at_edge = [matplotlib.colors.to_hex(s.get_facecolor()) for s in
               drawn((0.665, 0.6651)).drawing.axes[0].patches if s.get_width() > 0.5
               and not s.get_hatch()]  # fmt: skip
    assert at_edge == [colour.lower() for colour in style.STEPS[2:4]]


def luminance(colour):
    red, green, blue = (v**2.2 for v in matplotlib.colors.to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_steps_of_a_map_keep_their_order_in_grey():
    grey = [luminance(colour) for colour in style.STEPS]
    assert all((a + 0.05) / (b + 0.05) > 1.3 for a, b in itertools.pairwise(grey))


def test_letters_on_every_step_have_enough_contrast():
    for colour in style.STEPS:
        light, dark = sorted([luminance(colour), luminance(style.ink_on(colour))], reverse=True)
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


@pytest.mark.parametrize(
    ("name", "lines"),
    [("Hà Nội", 1), ("Ba Ria - Vung Tau", 2), ("Thừa Thiên Huế", 2), ("Ninh Thuận", 1)],
)
def test_long_names_break_into_two_lines(name, lines):
    assert len(style.two_lines(name).split("\n")) == lines
