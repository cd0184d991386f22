"""Generated tables of statistics offices: taken with the right figures, or asked about, or refused.

Every table is written from known figures in one of the shapes that offices use. Where it holds one
figure for a province and year it has to be taken; where it holds several, nothing may be taken
before the question is answered, and the offered answer has to lead to the figures it names.
"""

import io
import json
import os
import shlex
import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from analysis.country.names import codes_by_key
from analysis.facts import load_raw
from analysis.intake.choice import choose, lines, numbers, understand
from analysis.intake.provinces import place
from analysis.intake.shape import read_shape
from analysis.intake.sheet import IntakeError

FUZZ = bool(os.environ.get("ANALYSIS_FUZZ"))
CASES = 8000 if FUZZ else 700
WRONG = 1000 if FUZZ else 110
SETTINGS = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    "suppress_health_check": list(HealthCheck),
}
PROVINCES = load_raw().provinces
KNOWN = codes_by_key(PROVINCES)
#: Spellings of provinces that the merger dissolved or left unchanged, so that the areas are clear.
NAMES = {
    "02": [
        "Hà Giang",
        "Ha Giang",
        "HÀ GIANG",
        "Tỉnh Hà Giang",
        "02 Hà Giang",
        "Hà Giang - Ha Giang",
    ],
    "06": ["Bắc Kạn", "Bắc Cạn", "Bac Kan", "Bắc Kạn province"],
    "35": ["Hà Nam", "Ha Nam", "35. Hà Nam"],
    "49": ["Quảng Nam", "Quang Nam", "Quảng-Nam"],
    "36": ["Nam Định", "Nam Dinh"],
    "77": ["Bà Rịa - Vũng Tàu", "Ba Ria - Vung Tau", "Bà Rịa-Vũng Tàu", "BR-VT"],
    "67": ["Đắk Nông", "Đăk Nông", "Đắc Nông", "Dak Nong"],
    "01": ["Hà Nội", "Ha Noi", "Hanoi", "TP. Hà Nội", "Thủ đô Hà Nội", "Hà Nội City"],
    "46": ["Thừa Thiên Huế", "Thừa Thiên - Huế", "Thua Thien-Hue"],
    "17": ["Hòa Bình", "Hoà Bình", "Hoa Binh"],
}
LARGER = [
    None,
    "CẢ NƯỚC",
    "Whole country",
    "Đồng bằng sông Hồng",
    "CẢ NƯỚC - WHOLE COUNTRY",
    "TOTAL",
]
KINDS = [
    ("Giới tính", ["Nam", "Nữ"]), ("Sex", ["Male", "Female", "Total"]),
    ("Giới", ["Tổng số", "Nam", "Nữ"]), ("Đơn vị", ["Nghìn người", "%"]),
    ("Khu vực", ["Thành thị", "Nông thôn", "Chung"]), ("Measure", ["Estimate", "Standard error"]),
]  # fmt: skip
NOTHING = ["..", "...", "....", "......", "-", "", ".", "…", ":"]


def office_bytes(text, encoding):
    """Text in an encoding; Vietnamese ANSI splits the tones from their letters."""
    if encoding != "cp1258":
        return text.encode(encoding)
    tones = "\u0300\u0301\u0303\u0309\u0323"
    parts = []
    for letter in text:
        split = unicodedata.normalize("NFD", letter)
        base = unicodedata.normalize("NFC", "".join(c for c in split if c not in tones))
        parts.append(base + "".join(c for c in split if c in tones))
    return "".join(parts).encode("cp1258")


@st.composite
def facts(draw):
    """Figures by province, kind and year, and how they are to be written."""
    own = draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=2, max_size=5, unique=True))
    years = draw(st.lists(st.integers(2012, 2023), min_size=1, max_size=3, unique=True))
    kind = draw(st.none() | st.sampled_from(KINDS))
    labels = kind[1] if kind else [""]
    digits = draw(st.sampled_from([0, 1, 2]))
    whole = st.integers(0, 9_000) | st.integers(1960, 2040)
    figures = {}
    for code in own:
        for label in labels:
            for year in years:
                number = round(draw(whole) + draw(st.integers(0, 10**digits - 1)) / 10**digits, 2)
                figures[code, label, year] = None if draw(st.integers(0, 11)) == 0 else number
    return SimpleNamespace(
        provinces={code: draw(st.sampled_from(NAMES[code])) for code in own},
        years=sorted(years), kind=kind, labels=labels, figures=figures, digits=digits,
        decimal=draw(st.sampled_from(".,")), grouped=draw(st.sampled_from(["", "", " ", "other"])),
        nothing=draw(st.sampled_from(NOTHING)), larger=draw(st.sampled_from(LARGER)),
        title=draw(st.sampled_from(["", "Lao động theo tỉnh", "Labour force, 2018, 2019"])),
        unit=draw(st.sampled_from(["", "Đơn vị tính: Nghìn người", "Unit: persons"])),
        note=draw(st.sampled_from(["", "Ghi chú: số liệu sơ bộ", "(1) Provisional", "Nguồn: NSO"])),
        delimiter=draw(st.sampled_from(",;\t")),
        prefix=draw(st.sampled_from(["", "Năm ", "Prel. "])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1258"])),
        coded=draw(st.booleans()),
    )  # fmt: skip


def written(f, value):
    """A figure as an office writes it."""
    if value is None:
        return f.nothing
    text = f"{value:,.{f.digits}f}"
    group = {"other": "," if f.decimal == "." else "."}.get(f.grouped, f.grouped)
    return text.replace(",", "\0").replace(".", f.decimal).replace("\0", group)


def head(f, year):
    return f"{f.prefix}{year}"


def body(f, line):
    """Rows of all provinces; line(code) gives the figures. A larger area stands above them."""
    first = [["", f.larger] if f.coded else [f.larger]] if f.larger else []
    rows = [one + [written(f, 9000.5)] * len(line(next(iter(f.provinces)))) for one in first]
    for code, name in f.provinces.items():
        rows.append([*([code] if f.coded else []), name, *line(code)])
    return rows


def cells(f, shape):
    """The rows of a sheet in one of the shapes; None where the shape cannot show these figures."""
    side = ["Mã", "Tỉnh, thành phố"] if f.coded else ["Tỉnh, thành phố"]
    blank = [""] * len(side)
    value = lambda code, label, year: written(f, f.figures[code, label, year])  # noqa: E731
    if shape in ("years over kinds", "kinds over years") and not f.kind:
        shape = "years across"
    if shape == "years over kinds":
        pairs = [(label, year) for year in f.years for label in f.labels]
        over = [head(f, y) if label == f.labels[0] else "" for label, y in pairs]
        under = [label for label, _ in pairs]
    elif shape == "kinds over years":
        pairs = [(label, year) for label in f.labels for year in f.years]
        over = [label if y == f.years[0] else "" for label, y in pairs]
        under = [head(f, y) for _, y in pairs]
    if shape in ("years over kinds", "kinds over years"):
        return [[*side, *over], [*blank, *under],
                *body(f, lambda code: [value(code, *pair) for pair in pairs])]  # fmt: skip
    if shape == "years across" and not f.kind:
        return [[*side, *(head(f, y) for y in f.years)],
                *body(f, lambda code: [value(code, "", y) for y in f.years])]  # fmt: skip
    if shape in ("years across", "merged down"):
        rows = [[side[-1], f.kind[0] if f.kind else "Chỉ tiêu", *(head(f, y) for y in f.years)]]
        for code, name in f.provinces.items():
            for label in f.labels:
                shown = name if shape == "years across" or label == f.labels[0] else ""
                rows.append([shown, label, *(value(code, label, y) for y in f.years)])
        return rows
    if shape == "all down":
        return [["Tỉnh", f.kind[0] if f.kind else "Chỉ tiêu", "Năm", "Giá trị"]] + [
            [name, label or "Lao động", str(y), value(code, label, y)]
            for code, name in f.provinces.items() for label in f.labels for y in f.years
        ]  # fmt: skip
    if shape == "two columns of figures":
        return [["Tỉnh", "Năm", *(f.labels if f.kind else ["Giá trị"])]] + [
            [name, str(y), *(value(code, label, y) for label in f.labels)]
            for code, name in f.provinces.items() for y in f.years
        ]  # fmt: skip
    if shape in ("stacked tables", "sections"):
        rows = []
        for label in f.labels:
            title = [[label]] if label else []
            top = [[*side, *(head(f, y) for y in f.years)]]
            part = body(f, lambda code, label=label: [value(code, label, y) for y in f.years])
            if shape == "sections":
                rows += (top if not rows else []) + title + part
            else:
                rows += ([[""]] if rows else []) + title + top + part
        return rows
    if shape == "provinces across":
        pairs = [(code, label) for code in f.provinces for label in f.labels]
        names = [f.provinces[c] if label == f.labels[0] else "" for c, label in pairs]
        rows = [["Năm" if not f.kind else "", *names]]
        rows += [["Năm", *(label for _, label in pairs)]] if f.kind else []
        return rows + [[str(y), *(value(c, label, y) for c, label in pairs)] for y in f.years]
    raise ValueError(shape)


SHEETS = ["years over kinds", "kinds over years", "years across", "merged down", "all down",
          "two columns of figures", "stacked tables", "sections", "provinces across"]  # fmt: skip
SHAPES = [*SHEETS, "px", "JSON-stat 1", "JSON-stat 2", "sparse bundle"]


def labelled(f):
    """Dimensions, labels and the figures in row-major order."""
    dimensions = [("Tỉnh", list(f.provinces.values())), ("Năm", [head(f, y) for y in f.years])]
    if f.kind:
        dimensions.insert(1, (f.kind[0], f.labels))
    order = [(c, label, y) for c in f.provinces for label in f.labels for y in f.years]
    return dimensions, [f.figures[key] for key in order]


def px(f):
    dimensions, values = labelled(f)
    quoted = lambda labels: ",\n".join(f'"{label}"' for label in labels)  # noqa: E731
    text = f'CHARSET="ANSI";\nTITLE="{f.title or "T"}";\n'
    text += f'STUB={quoted([name for name, _ in dimensions[:-1]])};\nHEADING="Năm";\n'
    text += "".join(f'VALUES("{name}")={quoted(labels)};\n' for name, labels in dimensions)
    shown = [f'"{f.nothing or ".."}"' if value is None else f"{value}" for value in values]
    return text + "DATA=\n" + " ".join(shown) + ";\n"


def json_stat(f, shape):
    dimensions, values = labelled(f)
    parts = {
        name: {"label": name, "category": {
            "index": {f"k{i}": i for i in range(len(labels))},
            "label": {f"k{i}": label for i, label in enumerate(labels)}}}
        for name, labels in dimensions
    }  # fmt: skip
    order, size = [name for name, _ in dimensions], [len(labels) for _, labels in dimensions]
    if shape == "JSON-stat 2":
        return json.dumps({"version": "2.0", "class": "dataset", "label": f.title, "id": order,
                           "size": size, "dimension": parts, "value": values})  # fmt: skip
    sparse = {str(i): value for i, value in enumerate(values) if value is not None}
    inner = {"label": f.title, "dimension": {**parts, "id": order, "size": size},
             "value": sparse if shape == "sparse bundle" else values}  # fmt: skip
    return json.dumps({"our own name" if shape == "sparse bundle" else "dataset": inner})


def workbook(rows):
    book = Workbook()
    for row in rows:
        book.active.append([cell or None for cell in row])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def content(f, shape, as_workbook=False):
    """The file as bytes."""
    if shape == "px":
        return office_bytes(px(f), f.encoding)
    if shape not in SHEETS:
        return json_stat(f, shape).encode()
    before = [[line] for line in (f.title, f.unit) if line]
    rows = [*before, *([[""]] if f.title else []), *cells(f, shape)]
    rows += [[""], [f.note]] if f.note else []
    if as_workbook:
        return workbook(rows)
    unquoted = [f.title] if f.delimiter == "," else []
    quote = lambda c: f'"{c}"' if f.delimiter in c and c not in unquoted else c  # noqa: E731
    text = "\n".join(f.delimiter.join(map(quote, row)) for row in rows) + "\n"
    return office_bytes(text, f.encoding)


def taken(path, **said):
    """What is taken: (province, year) -> figure, where one is there; the shape in words."""
    options = {"pick": (), "ignore": (), "year": "", "areas": "", "decimal": "", **said}
    wanted = SimpleNamespace(**options)
    shape = read_shape(path, lambda label: place(label, KNOWN))
    found = understand(shape, wanted, PROVINCES)
    assert all(len(line) < 1000 for line in lines(found))
    chosen = choose(found, wanted)
    values = numbers(chosen, found.cells, path.name, wanted.decimal)
    rows = zip(chosen["province_code"], chosen["year"], values, strict=True)
    return {(code, year): value for code, year, value in rows if value == value}


def meant(f, label):
    return {(c, y): v for (c, one, y), v in f.figures.items() if one == label and v is not None}


def answering_decimal(path, f, **said):
    """Take a table, and answer where only the sign of decimals is open."""
    try:
        return taken(path, **said)
    except IntakeError as error:
        if "--decimal" not in str(error):
            raise
        return taken(path, decimal={".": "point", ",": "comma"}[f.decimal], **said)


def test_a_generated_table_is_taken_right_or_asked_about_with_answers_that_work(tmp_path):
    path = tmp_path / "table.txt"

    @settings(max_examples=CASES, **SETTINGS)
    @given(facts(), st.sampled_from(SHAPES), st.integers(0, 19), st.integers(0, 2))
    def case(f, shape, one, which):
        if not any(value is not None for value in f.figures.values()):
            return
        path.write_bytes(content(f, shape, as_workbook=one == 19))
        if not f.kind:
            assert answering_decimal(path, f) == meant(f, "")
            return
        if shape == "sparse bundle" and sum(bool(meant(f, label)) for label in f.labels) < 2:
            return
        with pytest.raises(IntakeError, match="choose with --pick") as asked:
            taken(path)
        offers = shlex.split(str(asked.value).split("each line:")[1])
        offers = [offers[i + 1] for i, word in enumerate(offers) if word == "--pick"]
        assert len(offers) == len(f.labels) or shape == "sparse bundle"
        offer = offers[which % len(offers)]
        assert answering_decimal(path, f, pick=(offer,)) == meant(f, offer)

    case()


def spoil(f, way):
    """Make a table that must not be taken; the word that the refusal has to hold."""
    if way == "unknown name":
        f.provinces[next(iter(f.provinces))] = "Hà Tây"
        return "Hà Tây"
    if way == "note on a name":
        f.provinces[next(iter(f.provinces))] += " (1)"
        return r"mark \(1\)"
    if way == "span of years":
        f.prefix = "2010-"
        return "year"
    if way == "plan":
        f.prefix, f.years = "", [*f.years[:-1], f"{f.years[-1]} (kế hoạch)"]
    return ""


@pytest.mark.parametrize("way", ["unknown name", "note on a name", "span of years"])
def test_a_generated_table_that_cannot_be_meant_is_refused(tmp_path, way):
    path = tmp_path / "table.txt"

    @settings(max_examples=WRONG, **SETTINGS)
    @given(facts(), st.sampled_from(SHAPES))
    def case(f, shape):
        values = [value for value in f.figures.values() if value is not None]
        dated = shape in ("all down", "two columns of figures", "provinces across")
        if len(values) < len(f.figures) or (way == "span of years" and dated):
            return
        word = spoil(f, way)
        path.write_bytes(content(f, shape))
        with pytest.raises(IntakeError, match=word):
            answering_decimal(path, f, pick=tuple(f.labels[:1]) if f.kind else ())

    case()


@pytest.mark.parametrize(
    ("second", "meant_of_second"),
    [
        (["1950", "1960", "1970"], {"02": 1950, "06": 1960, "35": 1970}),  # each like a year
        (["7", "", "8"], {"02": 7, "35": 8}),
        (["", "", ""], {}),
    ],
)
def test_a_line_below_a_merged_name_is_neither_a_heading_nor_a_title(
    tmp_path, second, meant_of_second
):
    """It was taken for a heading where it held 1950, and for a title where it held nothing."""
    names = ["Hà Giang", "Bắc Kạn", "Hà Nam"]
    rows = ["Tỉnh,Giới tính,2012"]
    for at, name in enumerate(names):
        rows += [f"{name},Nam,{at + 1}", f",Nữ,{second[at]}"]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows), "utf-8")
    with pytest.raises(IntakeError, match="--pick Nam or --pick 'Nữ'"):
        taken(path)
    assert taken(path, pick=("Nam",)) == {("02", 2012): 1, ("06", 2012): 2, ("35", 2012): 3}
    found = taken(path, pick=("Nữ",))
    assert found == {(code, 2012): value for code, value in meant_of_second.items()}


def test_a_heading_that_is_repeated_below_a_merged_name_stays_a_heading(tmp_path):
    rows = ["Tỉnh,Giới tính,2012", "Hà Giang,Nam,1", ",Nữ,2", ",Giới tính,2013", "Hà Giang,Nam,3",
            ",Nữ,1950"]  # fmt: skip
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows), "utf-8")
    assert taken(path, pick=("Nữ",)) == {("02", 2012): 2, ("02", 2013): 1950}
    assert taken(path, pick=("Nam",)) == {("02", 2012): 1, ("02", 2013): 3}


def test_an_unknown_name_above_all_others_is_refused_though_its_figure_is_like_a_year(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("Tỉnh,2012\nHà Tây,1950\nHà Giang,4\nBắc Kạn,5\n", "utf-8")
    with pytest.raises(IntakeError, match="Hà Tây"):
        taken(path)
