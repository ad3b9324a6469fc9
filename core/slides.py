"""A document as PowerPoint: a title slide, then each section on as many slides as it needs.

Line heights are fixed in points, so that a substituted font cannot push text off a slide. python-pptx is only imported
where it is needed: the web process starts faster.
"""

import html
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from core import setting
from core.document import BETWEEN, Document, clean
from core.setting import AFTER, EDGE, LEADING, SMALL, UP, WIDTH, Image, Placed, Plan, Table, Text, fitted, high

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.slide import Slide
    from pptx.util import Length

# All lengths are points.
FOOT_TOP = UP - 36
OPENING = (  # the title slide: type from comfortable to tight, and the most room of title, facts and headline
    ((36.0, 30.0, 24.0, 18.0), 130.0),
    ((14.0, SMALL), 60.0),
    ((24.0, 20.0, 16.0, SMALL), 130.0),
)
OPENING_TOP, OPENING_FOOT, OPENING_GAP = 84.0, 84.0, 16.0
BAR_TOP, BAR_WIDTH, BAR_HEIGHT = 28.0, 48.0, 4.0  # the only colour
QUIET, LINE, ACCENT = "4A545E", "C9D0D9", "005AFF"
# PowerPoint can hardly bring fonts along. These come with Office in Japan; elsewhere it takes what it has.
LATIN, JAPANESE = {"ja": "Yu Gothic", "en": "Arial"}, "Yu Gothic"
LANGUAGES = {"ja": "ja-JP", "en": "en-GB"}

A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
NO_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # of tables: PowerPoint's "No Style, No Grid"
NUMBER_FIELD = "{C1FF6DA9-008F-8B48-92A6-B652298478BF}"
BAR = (
    f'<p:sp {P} {A}><p:nvSpPr><p:cNvPr id="99" name="bar"/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr><p:spPr>'
    '<a:xfrm><a:off x="{0}" y="{1}"/><a:ext cx="{2}" cy="{3}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
    '<a:solidFill><a:schemeClr val="accent1"/></a:solidFill></p:spPr></p:sp>'
)
PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title><dc:language>{language}</dc:language>'
    "</cp:coreProperties>"
)


@dataclass(frozen=True, slots=True)
class _Look:
    points: float
    colour: Literal["tx1", "tx2"] = "tx1"  # of the theme: black, quiet
    bold: bool = False
    bulleted: bool = False
    align: Literal["l", "r"] = "l"


CAPTION = _Look(SMALL, "tx2")


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    width: float
    height: float

    @property
    def lengths(self) -> "tuple[Length, Length, Length, Length]":
        from pptx.util import Pt

        return Pt(self.left), Pt(self.top), Pt(self.width), Pt(self.height)


def pptx(document: Document) -> bytes:
    """The same document gives the same bytes."""
    deck, pen = _empty(document), _Pen(LANGUAGES[document.language])
    plans = [plan for section in document.sections for plan in setting.planned(section)]
    foot, _ = fitted(_joined(document.footer), [SMALL], WIDTH - setting.NUMBER_ROOM, SMALL * LEADING)
    pen.opening(_added(deck), document)
    for number, plan in enumerate(plans, 2):
        slide = _added(deck)
        pen.slide(slide, plan)
        pen.foot(slide, foot, f"{number}", f" / {1 + len(plans)}")
    return _fixed(deck, document)


def _joined(facts: Sequence[str]) -> str:
    return clean(BETWEEN.join(facts))


def _added(deck: "Presentation") -> "Slide":
    slide: Slide = deck.slides.add_slide(deck.slide_layouts[0])
    return slide


# --- what is on a slide


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes on slides in one language."""

    language: str

    def opening(self, slide: "Slide", document: Document) -> None:
        top = OPENING_TOP
        said = [clean(document.title), _joined(document.facts), clean(document.headline)]
        looks = [_Look(SMALL, bold=True), CAPTION, _Look(SMALL)]
        for text, look, (sizes, room) in zip(said, looks, OPENING, strict=True):
            short, points = fitted(text, sizes, WIDTH, room)
            box, sized = _Box(EDGE, top, WIDTH, high(short, points, WIDTH)), replace(look, points=points)
            if look.bold:
                self.title(slide, short, box, sized)
            elif short:
                self.text(slide, short, box, sized)
            top += box.height + OPENING_GAP
        footer, _ = fitted(_joined(document.footer), [SMALL], WIDTH, OPENING_FOOT)
        height = high(footer, SMALL, WIDTH)
        if footer:
            self.text(slide, footer, _Box(EDGE, FOOT_TOP + SMALL * LEADING - height, WIDTH, height), CAPTION)

    def slide(self, slide: "Slide", plan: Plan) -> None:
        box = _Box(EDGE, setting.TITLE_TOP, WIDTH, plan.height)
        self.title(slide, plan.heading, box, _Look(plan.points, bold=True))
        for placed in plan.things:
            match placed.thing:
                case Text() as text:
                    box = _Box(placed.left, placed.top, text.width, text.height)
                    looks = {bulleted: _Look(text.points, bulleted=bulleted) for bulleted in (False, True)}
                    written = [self.paragraph(line.text, looks[line.bulleted]) for line in text.lines]
                    _fill(slide.shapes.add_textbox(*box.lengths), written)
                case Table() as table:
                    self.table(slide, table, placed)
                case Image() as image:
                    self.image(slide, image, placed)

    def foot(self, slide: "Slide", text: str, number: str, of: str) -> None:
        """The slide's number is a field, so that it stays true where slides are moved."""
        if text:
            self.text(slide, text, _Box(EDGE, FOOT_TOP, WIDTH - setting.NUMBER_ROOM, SMALL * LEADING), CAPTION)
        look = replace(CAPTION, align="r")
        looks = self._looks(look)
        field = f'<a:fld id="{NUMBER_FIELD}" type="slidenum">{looks}<a:t>{number}</a:t></a:fld>'
        box = _Box(setting.ACROSS - EDGE - setting.NUMBER_ROOM, FOOT_TOP, setting.NUMBER_ROOM, SMALL * LEADING)
        shape = slide.shapes.add_textbox(*box.lengths)
        _fill(shape, [_paragraph(f"{field}<a:r>{looks}<a:t>{of}</a:t></a:r>", look)])

    def title(self, slide: "Slide", text: str, box: _Box, look: _Look) -> None:
        shape: Any = slide.shapes.title
        shape.left, shape.top, shape.width, shape.height = box.lengths
        _fill(shape, [self.paragraph(text, look)])

    def text(self, slide: "Slide", text: str, box: _Box, look: _Look) -> None:
        _fill(slide.shapes.add_textbox(*box.lengths), [self.paragraph(text, look)])

    def table(self, slide: "Slide", table: Table, placed: Placed) -> None:
        from pptx.oxml.ns import qn
        from pptx.util import Pt

        below = setting.caption_height(table.caption, table.width)
        if table.caption:
            self.text(slide, table.caption, _Box(placed.left, placed.top, table.width, below - SMALL * AFTER), CAPTION)
        box = _Box(placed.left, placed.top + below, table.width, table.height - below)
        frame = slide.shapes.add_table(len(table.rows), len(table.widths), *box.lengths)
        frame.table.horz_banding = False
        next(frame.element.iter(qn("a:tableStyleId"))).text = NO_STYLE
        for i, width in enumerate(table.widths):
            frame.table.columns[i].width = Pt(width)
        for i, height in enumerate(table.heights):
            frame.table.rows[i].height = Pt(height)
        for i, (line, row) in enumerate(zip(frame.element.iter(qn("a:tr")), table.rows, strict=True)):
            for cell, text, numeric in zip(line.iter(qn("a:tc")), row, table.numeric, strict=True):
                look = _Look(table.points, bold=not i, align="r" if numeric else "l")
                _write(cell.find(qn("a:txBody")), [self.paragraph(text, look)])
                cell.replace(cell.find(qn("a:tcPr")), _cell(table.pad, is_head=not i))

    def image(self, slide: "Slide", image: Image, placed: Placed) -> None:
        from pptx.oxml.ns import qn

        box = _Box(placed.left + (image.width - image.across) / 2, placed.top, image.across, image.up)
        shape = slide.shapes.add_picture(io.BytesIO(image.png), *box.lengths)
        next(shape.element.iter(qn("p:cNvPr"))).set("descr", image.alt)
        if image.caption:
            height = high(image.caption, SMALL, image.width)
            top = placed.top + image.up + SMALL * AFTER
            self.text(slide, image.caption, _Box(placed.left, top, image.width, height), CAPTION)

    def paragraph(self, text: str, look: _Look) -> Any:
        return _paragraph(f"<a:r>{self._looks(look)}<a:t>{html.escape(text, quote=False)}</a:t></a:r>", look)

    def _looks(self, look: _Look) -> str:
        return (
            f'<a:rPr lang="{self.language}" sz="{look.points * 100:.0f}" b="{look.bold:d}">'
            f'<a:solidFill><a:schemeClr val="{look.colour}"/></a:solidFill></a:rPr>'
        )


def _paragraph(runs: str, look: _Look) -> Any:
    from pptx.oxml import parse_xml
    from pptx.util import Pt

    indent = Pt(setting.INDENT) if look.bulleted else 0
    bullet = '<a:buFont typeface="Arial"/><a:buChar char="•"/>' if look.bulleted else "<a:buNone/>"
    leading, after = (round(look.points * share * 100) for share in (LEADING, AFTER))
    return parse_xml(
        f'<a:p {A}><a:pPr marL="{indent}" indent="{-indent}" algn="{look.align}">'
        f'<a:lnSpc><a:spcPts val="{leading}"/></a:lnSpc><a:spcBef><a:spcPts val="0"/></a:spcBef>'
        f'<a:spcAft><a:spcPts val="{after}"/></a:spcAft>{bullet}</a:pPr>{runs}</a:p>'
    )


def _fill(shape: Any, paragraphs: Sequence[Any]) -> None:
    """A text's shape, as large as it is: neither grows with its text."""
    from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE
    from pptx.oxml.ns import qn

    frame = shape.text_frame
    frame.word_wrap, frame.auto_size, frame.vertical_anchor = True, MSO_AUTO_SIZE.NONE, MSO_ANCHOR.TOP
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    _write(shape.element.find(qn("p:txBody")), paragraphs)


def _write(body: Any, paragraphs: Sequence[Any]) -> None:
    from pptx.oxml.ns import qn

    for empty in body.findall(qn("a:p")):
        body.remove(empty)
    body.extend(paragraphs)


def _cell(side: float, is_head: bool) -> Any:
    """Room about a cell's text, and the line below it."""
    from pptx.oxml import parse_xml
    from pptx.util import Pt

    width, colour = (Pt(1.5), '<a:schemeClr val="tx1"/>') if is_head else (Pt(0.5), f'<a:srgbClr val="{LINE}"/>')
    none = "".join(f"<a:{name}><a:noFill/></a:{name}>" for name in ("lnL", "lnR", "lnT"))
    return parse_xml(
        f'<a:tcPr {A} marL="{Pt(side)}" marR="{Pt(side)}" marT="{Pt(setting.PAD)}" marB="{Pt(setting.PAD)}">{none}'
        f'<a:lnB w="{width}"><a:solidFill>{colour}</a:solidFill></a:lnB><a:noFill/></a:tcPr>'
    )


# --- the file


def _empty(document: Document) -> "Presentation":
    """No slides yet, and nothing of python-pptx's own template but its frame: one layout, which has a title."""
    from pptx import Presentation
    from pptx.opc.constants import RELATIONSHIP_TYPE as KIND
    from pptx.oxml.ns import qn
    from pptx.util import Pt

    deck = Presentation()
    deck.slide_width, deck.slide_height = Pt(setting.ACROSS), Pt(UP)
    next(deck.element.iter(qn("p:sldSz"))).attrib.pop("type")  # 4:3
    layouts = list(deck.slide_layouts)
    kept = next(layout for layout in layouts if layout.name == "Title Only")
    for layout in layouts:
        if layout is not kept:
            deck.slide_layouts.remove(layout)
    _arrange(deck)
    theme = deck.slide_master.part.part_related_by(KIND.THEME)
    theme.blob = _themed(theme.blob.decode(), LATIN[document.language]).encode()
    _drop(deck)
    return deck


def _drop(deck: "Presentation") -> None:
    """The template's preview, its printer and what it says of its program."""
    from pptx.opc.constants import RELATIONSHIP_TYPE as KIND

    package = deck.part.package
    for rel in list(package.iter_rels()):
        if rel.reltype in (KIND.THUMBNAIL, KIND.EXTENDED_PROPERTIES):
            package.drop_rel(rel.rId)
        elif rel.reltype == KIND.PRINTER_SETTINGS:
            deck.part.drop_rel(rel.rId)


def _arrange(deck: "Presentation") -> None:
    """Titles stand where ours do on slides that somebody adds, too. No places for footers: ours are text."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import qn
    from pptx.util import Pt

    master, layout = deck.slide_master, deck.slide_layouts[0]
    for holder in [*master.placeholders, *layout.placeholders]:
        kind = next(holder.element.iter(qn("p:ph"))).get("type")
        if kind in ("dt", "ftr", "sldNum"):
            holder.element.getparent().remove(holder.element)
    title, body = master.placeholders
    high_title = setting.TITLE_SIZES[0] * LEADING
    below = setting.TITLE_TOP + high_title + setting.BELOW_TITLE
    box = _Box(EDGE, setting.TITLE_TOP, WIDTH, high_title)
    title.left, title.top, title.width, title.height = box.lengths
    box = _Box(EDGE, below, WIDTH, setting.BOTTOM - below)
    body.left, body.top, body.width, body.height = box.lengths
    style = next(master.element.iter(qn("p:titleStyle"))).find(qn("a:lvl1pPr"))
    style.set("algn", "l")
    style.find(qn("a:defRPr")).set("sz", f"{setting.TITLE_SIZES[0] * 100:.0f}")
    lengths = (Pt(length) for length in (EDGE, BAR_TOP, BAR_WIDTH, BAR_HEIGHT))
    next(layout.element.iter(qn("p:spTree"))).append(parse_xml(BAR.format(*lengths)))


def _themed(theme: str, latin: str) -> str:
    """Our fonts and colours, which all text goes by."""
    changes = {
        'typeface="Calibri"': f'typeface="{latin}"',
        '<a:ea typeface=""/>': f'<a:ea typeface="{JAPANESE}"/>',
        'script="Jpan" typeface="ＭＳ Ｐゴシック"': f'script="Jpan" typeface="{JAPANESE}"',
        'val="1F497D"': f'val="{QUIET}"',
        'val="4F81BD"': f'val="{ACCENT}"',
    }
    for old, new in changes.items():
        theme = theme.replace(old, new)
    return theme


def _fixed(deck: "Presentation", document: Document) -> bytes:
    """The file without the hour, and with our properties."""
    written, file = io.BytesIO(), io.BytesIO()
    deck.save(written)
    title, language = html.escape(clean(document.title), quote=False), LANGUAGES[document.language]
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            own = PROPERTIES.format(title=title, language=language).encode()
            content = own if name == "docProps/core.xml" else old.read(name)
            entry = zipfile.ZipInfo(name)  # of 1980
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 0
            new.writestr(entry, content)
    return file.getvalue()
