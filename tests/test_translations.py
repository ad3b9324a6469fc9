"""Every word that people see is in the catalogues, in English and in Japanese. `manage.py translate` helps."""

import ast
import re
import string
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po

import manage
from tests.test_structure import PRODUCT, ROOT, parsed, python_files

CATALOGUE = ROOT / "pages" / "locale" / "ja" / "LC_MESSAGES" / "messages.po"
JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")  # kana and kanji
# The same in both languages: names and signs.
SAME = {"CSV", "MOMENT", "PCA", "t-SNE", "English"}
# Streamlit's functions whose texts people read, and their arguments.
SPEAKING = set(
    "title header subheader markdown write text caption info warning error success toast button link_button page_link "
    "form_submit_button download_button checkbox toggle radio selectbox multiselect segmented_control pills slider "
    "select_slider number_input text_input text_area date_input file_uploader expander tabs metric spinner status "
    "progress popover dialog".split()
)
SPOKEN = {"label", "help", "placeholder", "body", "title", "page_title", "text"}


def in_code() -> Catalog:
    catalogue = Catalog()
    for file in python_files(*PRODUCT):
        for line, message, _comments, _context in extract_from_file(manage.messages, ROOT / file):
            catalogue.add(message, locations=[(file, line)])
    return catalogue


def in_japanese() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="ja")


def ids(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def fields(*texts: str) -> set[str]:
    """Names in braces: {name}, {name:.1f} and {name!r} are all `name`."""
    return {
        field for text in texts for _text, field, _spec, _how in string.Formatter().parse(text) if field is not None
    }


def where(message: Message) -> str:
    return ", ".join(f"{file}:{line}" for file, line in message.locations[:2])


def words(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)  # the empty id is the header


def test_every_message_has_its_japanese():
    japanese = in_japanese()
    missing = [
        f"{message.id!r} ({where(message)})"
        for message in words(in_code())
        if not (found := japanese.get(message.id)) or not all(strings(found))
    ]
    if missing:
        pytest.fail(
            "Run `python3 manage.py translate` and write the Japanese of:\n" + "\n".join(missing), pytrace=False
        )


def test_no_translation_is_a_guess_or_left_over():
    code, japanese = in_code(), in_japanese()
    assert [message.id for message in words(japanese) if message.fuzzy] == []
    left_over = [message.id for message in words(japanese) if not code.get(message.id)]
    assert [*left_over, *japanese.obsolete] == [], "no longer in the code: run `python3 manage.py translate`"


def test_facts_in_braces_are_the_same_in_both_languages():
    for message in words(in_japanese()):
        assert fields(*strings(message)) <= fields(*ids(message)), message.id
        for text in filter(None, strings(message)):
            assert fields(text) == fields(*ids(message)), message.id


def test_facts_in_braces_have_names():
    """`{}` and `{0}` tell a translator nothing, and their order differs between the languages."""
    for message in words(in_code()):
        assert all(field.isidentifier() for field in fields(*ids(message))), (message.id, where(message))


def test_message_ids_are_english_and_translations_japanese():
    for message in words(in_code()):
        assert not JAPANESE.search("".join(ids(message))), where(message)
    for message in words(in_japanese()):
        for text in filter(None, strings(message)):
            assert JAPANESE.search(text) or not re.search(r"[A-Za-z]{2}", text) or text in SAME, message.id


def test_a_sentence_stays_a_sentence():
    for message in words(in_japanese()):
        for text in filter(None, strings(message)):
            assert text.strip() == text, message.id
            if ids(message)[-1].endswith(".") and " " in ids(message)[-1].rstrip(" ."):
                assert text.endswith(("。", "。」", "。)", ")")), message.id


@pytest.mark.parametrize("file", python_files(*PRODUCT))
def test_no_bare_words_reach_the_screen(file: str):
    """A text written straight into a widget or an error would stay English for everyone."""
    calls = [node for node in ast.walk(parsed(file)) if isinstance(node, ast.Call)]
    texts = [text for call in calls for text in spoken(call, on_screen=file.startswith(("pages/", "app.py")))]
    assert [f"{file}:{text.lineno} {ast.unparse(text)}" for text in texts if is_words(text)] == []


def spoken(call: ast.Call, on_screen: bool) -> list[ast.expr]:
    """What this call shows to people: both sentences of a UserError, the texts of a widget."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "UserError":
        return call.args
    if not on_screen or name not in SPEAKING or ast.unparse(call.func).startswith("logger."):
        return []
    return [*call.args[:1], *(word.value for word in call.keywords if word.arg in SPOKEN)]


def is_words(node: ast.expr) -> bool:
    """A literal that somebody would read: letters outside Markdown signs, and no file or icon name."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    return bool(re.search(r"[^\W\d_]{2}", text)) and not re.fullmatch(r"\S+\.py|:material/\w+:", text)


def test_messages_are_found_wherever_python_allows_them(tmp_path):
    """Inside f-strings too, on every Python: Babel's own extraction finds those only from 3.12 on."""
    file = tmp_path / "screen.py"
    file.write_text(
        "st.title(f\"**{_('Inside')}**\")\n"
        'raise UserError(N_("Two "\n    "lines {n}."), N_("Do."), n=1)\n'
        'text.ngettext("{n} row", "{n} rows", 2)\n'
        "_(name), _(f'{name}')\n",
        encoding="utf-8",
    )
    found = [message for _line, message, _comments, _context in extract_from_file(manage.messages, file)]
    assert found == ["Inside", "Two lines {n}.", "Do.", ("{n} row", "{n} rows")]


@pytest.mark.parametrize("file", python_files(*PRODUCT))
def test_what_is_marked_for_translation_is_plain_text(file: str):
    """`_(f"...")` and `_("..." + x)` never match a catalogue: put facts in with .format afterwards."""
    calls = [node for node in ast.walk(parsed(file)) if isinstance(node, ast.Call) and node.args]
    marked = [call for call in calls if getattr(call.func, "id", "") in DEFAULT_KEYWORDS]
    built = [f"{file}:{call.lineno}" for call in marked if isinstance(call.args[0], (ast.JoinedStr, ast.BinOp))]
    assert built == []
