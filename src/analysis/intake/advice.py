"""What to write instead of what stands in a cell: names, codes, days, figures and words.

Nothing is decided here: a cell that can be read in two ways gets both readings to choose from.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import pandas as pd

from analysis.country.geography import COUNTRY
from analysis.country.indicators import INDICATORS, Indicator
from analysis.country.names import codes_by_key, is_city_within, is_country, key, without_age
from analysis.facts import Raw
from analysis.facts.plausible import LARGEST
from analysis.facts.tables import BASES

_WORDS: dict[str, dict[str, str]] = {
    "qualifier": {
        **dict.fromkeys(("tren", "hon", "more than", "above", ">", "≥", "vuot"), "over"),
        **dict.fromkeys(("duoi", "gan", "below", "less than", "nearly", "<", "≤"), "under"),
        **dict.fromkeys(("khoang", "xap xi", "uoc", "circa", "approximately", "~", "≈"), "about"),
        **dict.fromkeys(("dung", "chinh xac", "=", "equal"), "exact"),
    },
    "kind": {
        **dict.fromkeys(("thuc hien", "ket qua", "thuc te", "dat duoc", "result"), "actual"),
        **dict.fromkeys(("ke hoach", "chi tieu", "muc tieu", "plan", "giao"), "target"),
    },
    "geo_level": {
        **dict.fromkeys(("ca nuoc", "toan quoc", "quoc gia", "viet nam", "nation"), "country"),
        **dict.fromkeys(("63", "63 tinh", "tinh cu", "63 provinces"), "province_63"),
        **dict.fromkeys(("34", "34 tinh", "tinh moi", "34 provinces"), "province_34"),
        **dict.fromkeys(("tinh", "thanh pho", "province", "tinh thanh pho"),
                        "province_63 (the 63 provinces) or province_34 (the 34 units)"),
    },
    "setter": {
        **dict.fromkeys(("ubnd", "ubnd tinh", "hdnd", "hdnd tinh", "tinh", "tinh uy",
                         "uy ban nhan dan tinh", "hoi dong nhan dan tinh"), "province"),
        **dict.fromkeys(("chinh phu", "thu tuong", "thu tuong chinh phu", "quoc hoi"),
                        "government"),
        **dict.fromkeys(("bhxh", "bhxh vn", "bhxh viet nam", "bhxh tinh", "vss",
                         "bao hiem xa hoi viet nam", "bao hiem xa hoi tinh"), "agency"),
    },
    "standing": {
        **dict.fromkeys(("so bo", "tam tinh", "preliminary"), "provisional"),
        **dict.fromkeys(("uoc", "uoc tinh", "uoc thuc hien", "estimated"), "estimate"),
        **dict.fromkeys(("quyet toan", "chinh thuc", "da quyet toan", "final"), "settled"),
        **dict.fromkeys(("du thao", "du kien", "draft"), "plan"),
    },
    "source_language": {
        **dict.fromkeys(("vn", "tieng viet", "vietnamese", "viet"), "vi"),
        **dict.fromkeys(("tieng anh", "english", "anh"), "en"),
    },
}  # fmt: skip
_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
)}  # fmt: skip
_PERIOD = re.compile(
    r"(?:het |cuoi |ca )?(?:(?P<half>6 thang dau|6 thang|nua dau)|(?P<nine>9 thang dau|9 thang)"
    r"|quy (?P<quarter>iv|iii|ii|i|[1-4])|thang (?P<month>1[0-2]|0?[1-9]))?"
    r"[ /]*(?:nam )?(?P<year>(?:19|20)\d\d)"
)
_QUARTERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_ONE_DATE = re.compile(r"(\d{1,2})\s*[/.\-\s]\s*(\d{1,2})\s*[/.\-\s]\s*(\d{4}|\d{2})")
_YEAR_FIRST = re.compile(r"(\d{4})\s*[/.\-\s]?\s*(\d{1,2})\s*[/.\-\s]?\s*(\d{1,2})(?:[T ].*)?")
_IN_WORDS = re.compile(r"(\d{1,2})\s+thang\s+(\d{1,2})\s+nam\s+(\d{4})")
_ENGLISH = re.compile(r"(\d{1,2})[\s\-]+([a-z]{3})[a-z]*\.?[\s\-,]+(\d{4}|\d{2})")
_AMERICAN = re.compile(r"([a-z]{3})[a-z]*\.?\s+(\d{1,2}),?\s+(\d{4})")


def bare(text: str) -> str:
    """Small letters without accents, one blank between words."""
    return " ".join(re.sub(r"[^\w<>=~≈≥≤]+|_", " ", _letters(text)).split())


class Names:
    """The units by their names, in English or Vietnamese, and the names by their units."""

    def __init__(self, raw: Raw) -> None:
        old = raw.provinces
        merged = old[["merged_code", "merged_name_en", "merged_name_vi"]].drop_duplicates()
        new = merged.set_axis(["province_code", "name_en", "name_vi"], axis=1)
        self.whole: dict[str, str] = dict(
            zip(old["province_code"], old["merged_code"], strict=True)
        )
        self._codes = {"province_63": codes_by_key(old), "province_34": codes_by_key(new)}
        self.both: dict[tuple[str, str], tuple[str, str]] = {
            ("country", COUNTRY): ("Viet Nam", "Việt Nam")
        }
        for level, table in (("province_63", old), ("province_34", new)):
            columns = table[["province_code", "name_en", "name_vi"]]
            for code, english, vietnamese in columns.itertuples(index=False, name=None):
                self.both[level, code] = (english, vietnamese)

    def code(self, level: str, name: str) -> str:
        """The code of the unit of a level with this name, "" where there is none."""
        if level == "country":
            return COUNTRY if is_country(name) else ""
        plain = without_age(name)[0]
        known = self._codes.get(level, {})
        code = known.get(key(plain), "")
        return "" if is_city_within(plain, code, known.values()) else code

    def is_name_of(self, name: str, level: str, code: str) -> bool:
        """Whether a text names the unit: in either language, or in both at once."""
        if self.code(level, name) == code:
            return True
        parts = [part for part in re.split(r"[/()|,;]|\s[-–]\s", name) if part.strip()]
        named = [self.code(level, part) for part in parts if without_age(part)[0]]
        return bool(named) and set(named) == {code}

    def said(self, level: str, code: str) -> str:
        """Both names of a unit, "" for an unknown one."""
        english, vietnamese = self.both.get((level, code), ("", ""))
        return f"{english} ({vietnamese})" if english else ""


def what_to_write(column: str, row: Mapping[str, object], names: Names) -> str:
    """What a faulty cell should hold, as far as that can be told from what it holds; else "".

    Args:
        column: of the template.
        row: the cells of its row, by column.
    """
    value, level = str(row[column]), str(row["geo_level"])
    code = str(row["province_code"])
    if column == "province_code" and not value:
        return _code_of(str(row["province"]), level, names)
    if not value:
        return ""
    if column == "value":
        figure = _figure(value, INDICATORS.get(str(row["indicator"])))
        return figure + _and_qualifier(value, str(row["qualifier"])) if figure else ""
    if column in ("as_of", "announced", "versus", "source_published", "source_retrieved"):
        return _either(days(value), value)
    if column == "province":
        return _right_name(value, level, code, names)
    if column == "province_code":
        found = names.code(level, value) or names.code(level, str(row["province"]))
        return f"{found} is {names.said(level, found)}" if found not in ("", value) else ""
    if column == "indicator":
        return _indicator(value)
    if column == "unit":
        known = INDICATORS.get(str(row["indicator"]))
        return f"{known.unit}, or leave the cell empty" if known else ""
    if column == "basis":
        return _near(value, [one for one in BASES if one])
    if column == "source_url" and re.match(r"[\w-]+(\.[\w-]+)+(/|$)", value):
        return f"https://{value}"
    return _word(column, value)


def _code_of(name: str, level: str, names: Names) -> str:
    """The code of a unit that is given by its name alone, "" where the name is not known."""
    if code := names.code(level, name):
        return f"{code}, the code of {names.said(level, code)}"
    other = {"province_34": "province_63", "province_63": "province_34"}.get(level, "")
    code = names.code(other, name)
    if not code:
        return ""
    if other == "province_34":
        return f"{code} with province_34: {names.said(other, code)} is one of the 34 units"
    whole = names.whole[code]
    return (
        f"{whole} where all of {names.said(level, whole)} is meant, of which "
        f"{names.said(other, code)} has been part since 1 July 2025"
    )


def _and_qualifier(value: str, given: str) -> str:
    """What a word or sign before a figure ("trên 95%") asks for in the column qualifier."""
    before = re.match(r"[^\d+\-–−]*", value.strip())
    qualifier = _word("qualifier", before[0]) if before else ""
    if qualifier in ("", "exact", given):
        return ""
    return f", and {qualifier} in the column qualifier"


def _figure(value: str, indicator: Indicator | None) -> str:
    """What a figure may be, as far as its form and the unit of its indicator tell."""
    readings = figures(value)
    if indicator is None or not readings:
        return _either(readings, value)
    last = Decimal(readings[-1])
    if indicator.unit == "billion VND" and last >= LARGEST["billion VND"]:
        dong, thousand, million = (_tidy(f"{last.scaleb(-n).normalize():f}") for n in (9, 6, 3))
        return f"{dong} for dong, {thousand} for thousand dong, {million} for million dong"
    if indicator.unit == "persons":
        whole = [one for one in readings if "." not in one]
        if not whole and len(readings[-1].partition(".")[2]) <= 3:
            return f"{last * 1000:.0f} where it is in thousands"
        return _either(whole, value)
    return _either(readings, value)


def _either(readings: list[str], value: str) -> str:
    if not readings or readings == [value]:
        return ""
    return readings[0] if len(readings) == 1 else f"{' or '.join(readings)}, whichever is meant"


def _word(column: str, value: str) -> str:
    known = _WORDS.get(column, {})
    return known.get(bare(value)) or known.get(bare(value.replace("_", " ")), "")


def _near(value: str, known: list[str]) -> str:
    found = difflib.get_close_matches(bare(value).replace(" ", "_"), known, 1, 0.75)
    return found[0] if found else ""


def _indicator(value: str) -> str:
    same = [one.name for one in INDICATORS.values()
            if bare(value) in (bare(one.name_en), bare(one.name_vi), bare(one.name))]  # fmt: skip
    return same[0] if same else _near(value, list(INDICATORS))


def _right_name(value: str, level: str, code: str, names: Names) -> str:
    right = names.said(level, code)
    if not right:
        return ""
    other = names.code(level, value)
    if other == code:
        return ""
    more = f"; the code of {names.said(level, other)} is {other}" if other else ""
    if not other and key(value) in {key(name) for name in names.both[level, code]}:
        return f"{right} where the whole province is meant, else delete the row"
    return f"{right}, or leave the cell empty{more}"


def figures(text: str) -> list[str]:
    """The plain numbers that a text can stand for, as a raw table writes them.

    "95,6%" is 95.6; "1.234.567" is 1234567; "1,234" is 1234 or 1.234.
    """
    match = re.fullmatch(r"[^\d,.+\-–−]*([+\-–−]?[\d.,\s'’ ]*\d)[^\d]*", text.strip())
    if match is None:
        return []
    number = re.sub(r"[\s'’ ]", "", match[1]).replace("–", "-").replace("−", "-").lstrip("+")
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    readings = [f"{sign}{one}" for one in _unseparated(digits)]
    return [_tidy(one) for one in readings]


def _unseparated(digits: str) -> list[str]:
    marks = re.sub(r"\d", "", digits)
    if not marks:
        return [digits]
    if len(set(marks)) == 2:
        first, decimal = marks[0], marks[-1]
        grouped = rf"\d{{1,3}}(\{first}\d{{3}})+\{decimal}\d+"
        fits = re.fullmatch(grouped, digits) is not None
        return [digits.replace(first, "").replace(decimal, ".")] if fits else []
    mark = marks[0]
    thousands = re.fullmatch(rf"[1-9]\d{{0,2}}(\{mark}\d{{3}})+", digits)
    whole = [digits.replace(mark, "")] if thousands else []
    return [*whole, digits.replace(mark, ".")] if len(marks) == 1 else whole


def _tidy(number: str) -> str:
    try:
        return f"{Decimal(number):f}" if number.strip("-")[:1] != "." else f"0{number}"
    except InvalidOperation:
        return number


def days(text: str) -> list[str]:
    """The days that a text can stand for, as YYYY-MM-DD.

    31/12/2024 is one day; 3/4/2024 is 3 April or 4 March; 45657 is the day that Excel counts so; a
    period ("quý II/2026", "9 tháng 2026") stands for its last day.
    """
    plain = re.sub(r"^(ngay|den|tinh den|as of)\s+", "", _letters(text))
    if re.fullmatch(r"\d{5}(\.0+)?", plain) and 32874 <= float(plain) < 54789:
        return [f"{dt.date(1899, 12, 30) + dt.timedelta(days=int(float(plain))):%Y-%m-%d}"]
    if match := _YEAR_FIRST.fullmatch(plain):
        year, one, other = map(int, match.groups())
        return _valid([(year, one, other)])
    if match := _IN_WORDS.fullmatch(plain):
        day, month, year = map(int, match.groups())
        return _valid([(year, month, day)])
    if match := _PERIOD.fullmatch(" ".join(plain.split())):
        return [_last_day(match)]
    if (match := _ENGLISH.fullmatch(plain)) and match[2] in _MONTHS:
        return _valid([(_year(match[3]), _MONTHS[match[2]], int(match[1]))])
    if (match := _AMERICAN.fullmatch(plain)) and match[1] in _MONTHS:
        return _valid([(int(match[3]), _MONTHS[match[1]], int(match[2]))])
    if match := _ONE_DATE.fullmatch(plain):
        one, other, year = int(match[1]), int(match[2]), _year(match[3])
        return _valid([(year, other, one), (year, one, other)])
    return []


def _last_day(period: re.Match[str]) -> str:
    """The last day of "quy ii/2026", "9 thang 2026", "het thang 5/2026" or "nam 2026"."""
    quarter = period["quarter"]
    month = (
        6 if period["half"] else 9 if period["nine"]
        else 3 * _QUARTERS.get(quarter, 0) or 3 * int(quarter) if quarter
        else int(period["month"] or 12)
    )  # fmt: skip
    return f"{pd.Period(year=int(period['year']), month=month, freq='M').end_time:%Y-%m-%d}"


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.strip().lower().replace("đ", "d"))
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _valid(days_: list[tuple[int, int, int]]) -> list[str]:
    found = []
    for one in days_:
        try:
            written = f"{dt.date(*one):%Y-%m-%d}"
        except ValueError:
            continue
        if written not in found and 1990 <= one[0] < 2050:
            found.append(written)
    return found


def units_that_did_not_exist(
    facts: pd.DataFrame, raw: Raw, names: Names
) -> list[tuple[int, str, str]]:
    """Results of a unit on a day on which it was no unit: (place of the row, column, message).

    The 63 provinces ended on 30 June 2025, where they did not go on under the same borders, and
    the merged units were decided on 12 June 2025. Targets may be set for a province that has gone.

    Args:
        facts: geo_level, province_code, kind and as_of, as text.
    """
    members = raw.provinces.groupby("merged_code")["province_code"].agg(list).to_dict()
    merged = raw.provinces.set_index("province_code")["merged_code"].to_dict()
    found = []
    cells = facts[["geo_level", "province_code", "kind", "as_of"]]
    for at, (level, code, kind, day) in enumerate(cells.itertuples(index=False, name=None)):
        if kind == "target" or not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            continue
        if (
            level == "province_63"
            and day > "2025-06-30"
            and len(members.get(merged.get(code), [])) > 1
        ):
            whole = merged[code]
            message = (
                f"{names.said(level, code)} of the 63 provinces was no unit any more: it has been "
                f"part of {names.said('province_34', whole)} since 1 July 2025; a figure of that "
                f"whole unit is province_34, {whole}"
            )
            found.append((at, "as_of", message))
        if level == "province_34" and day < "2025-06-12" and len(members.get(code, [])) > 1:
            before = names.said("province_63", code)
            message = (
                f"{names.said(level, code)} of the 34 units did not exist yet (it was decided on "
                f"12 June 2025); a figure of {before or 'the province'} before that is province_63"
            )
            found.append((at, "as_of", message))
    return found
