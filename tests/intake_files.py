"""Files of figures as people and other programs make them, with what each cell is meant to say."""

import io
import zipfile
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from analysis.intake.sheet import NAMES

TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_RELATIONS = {
    TRANSITIONAL: "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    STRICT: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}


@dataclass(frozen=True)
class Typed:
    """A cell as it was typed: a number with a format, or a text; or a formula with its result."""

    content: float | str
    code: str = "General"
    formula: str = ""


@dataclass
class Writer:
    """How a program writes its workbooks."""

    space: str = TRANSITIONAL
    prefix: str = ""
    inline: bool = False
    places: bool = True
    styles: str = ""
    since_1904: bool = False
    merged: tuple[str, ...] = ()
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    empty_cells: str = ""
    sheets: tuple[str, ...] = ("facts",)
    _codes: list[str] = field(default_factory=lambda: ["General"])
    _texts: list[str] = field(default_factory=list)

    def workbook(self, rows: dict[int, list[Typed | None]]) -> bytes:
        """The file; rows by their number."""
        body = "".join(self._row(number, cells) for number, cells in sorted(rows.items()))
        p, relations = self.prefix and f"{self.prefix}:", _RELATIONS[self.space]
        name = f"xmlns:{self.prefix}" if self.prefix else "xmlns"
        columns = "".join(
            f'<{p}col min="{at}" max="{at}" hidden="1"/>' for at in self.hidden_columns
        )
        columns = f"<{p}cols>{columns}</{p}cols>" if columns else ""
        merged = "".join(f'<{p}mergeCell ref="{ref}"/>' for ref in self.merged)
        merged = f"<{p}mergeCells>{merged}</{p}mergeCells>" if merged else ""
        sheet = f"{columns}<{p}sheetData>{body}{self.empty_cells}</{p}sheetData>{merged}"
        since = f'<{p}workbookPr date1904="1"/>' if self.since_1904 else ""
        listed = "".join(
            f'<{p}sheet name="{escape(one)}" sheetId="{at}" r:id="rId{at}"/>'
            for at, one in enumerate(self.sheets, start=1)
        )
        sheets = f'{since}<{p}sheets xmlns:r="{relations}">{listed}</{p}sheets>'
        texts = "".join(f"<{p}si><{p}t>{escape(one)}</{p}t></{p}si>" for one in self._texts)
        parts = {
            "_rels/.rels": _links({"officeDocument": ["xl/workbook.xml"]}, relations),
            "xl/workbook.xml": f'<{p}workbook {name}="{self.space}">{sheets}</{p}workbook>',
            "xl/styles.xml": (
                f'<{p}styleSheet {name}="{self.space}">{self._styles(p)}</{p}styleSheet>'
            ),
            "xl/sharedStrings.xml": f'<{p}sst {name}="{self.space}">{texts}</{p}sst>',
        }
        files = [f"worksheets/sheet{at}.xml" for at in range(1, len(self.sheets) + 1)]
        parts["xl/_rels/workbook.xml.rels"] = _links(
            {"worksheet": files, "styles": ["styles.xml"], "sharedStrings": ["sharedStrings.xml"]},
            relations,
        )
        empty = f'<{p}worksheet {name}="{self.space}"><{p}sheetData/></{p}worksheet>'
        parts |= {f"xl/{file}": empty for file in files[1:]}
        parts[f"xl/{files[0]}"] = f'<{p}worksheet {name}="{self.space}">{sheet}</{p}worksheet>'
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as package:
            for part, text in parts.items():
                package.writestr(part, '<?xml version="1.0" encoding="UTF-8"?>\n' + text)
        return memory.getvalue()

    def _row(self, number: int, cells: list[Typed | None]) -> str:
        p = self.prefix and f"{self.prefix}:"
        hidden = ' hidden="1"' if number in self.hidden_rows else ""
        inner = "".join(self._cell(number, at, cell) for at, cell in enumerate(cells))
        return f'<{p}row r="{number}"{hidden}>{inner}</{p}row>'

    def _cell(self, number: int, at: int, cell: Typed | None) -> str:
        p = self.prefix and f"{self.prefix}:"
        place = f' r="{chr(65 + at)}{number}"' if self.places else ""
        if cell is None:
            return "" if self.places else f"<{p}c/>"
        if cell.code not in self._codes:
            self._codes.append(cell.code)
        style = f' s="{self._codes.index(cell.code)}"'
        formula = f"<{p}f>{escape(cell.formula)}</{p}f>" if cell.formula else ""
        if isinstance(cell.content, float | int):
            return f"<{p}c{place}{style}>{formula}<{p}v>{cell.content!r}</{p}v></{p}c>"
        text = escape(cell.content)
        if formula:
            return f'<{p}c{place}{style} t="str">{formula}<{p}v>{text}</{p}v></{p}c>'
        if self.inline:
            said = f"<{p}is><{p}t>{text}</{p}t></{p}is>"
            return f'<{p}c{place}{style} t="inlineStr">{said}</{p}c>'
        self._texts.append(cell.content)
        return f'<{p}c{place}{style} t="s"><{p}v>{len(self._texts) - 1}</{p}v></{p}c>'

    def _styles(self, p: str) -> str:
        formats = "".join(
            f'<{p}numFmt numFmtId="{200 + at}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
            for at, code in enumerate(self._codes)
        )
        used = "".join(f'<{p}xf numFmtId="{200 + at}"/>' for at in range(len(self._codes)))
        return f"<{p}numFmts>{formats}</{p}numFmts>{self.styles}<{p}cellXfs>{used}</{p}cellXfs>"


def _links(kinds: dict[str, list[str]], relations: str) -> str:
    pairs = [(kind, target) for kind, targets in kinds.items() for target in targets]
    inner = "".join(
        f'<Relationship Id="rId{at}" Type="{relations}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(pairs, start=1)
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{space}">{inner}</Relationships>'


def texts(row: dict[str, str], names: tuple[str, ...] = NAMES) -> list[Typed | None]:
    """A row of texts; empty cells are not there."""
    return [Typed(row[name]) if row.get(name) else None for name in names]
