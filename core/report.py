"""What leaves the product: files that other programs open."""

# The first four begin a formula in every spreadsheet, those of double width in Japanese ones. The apostrophe is among
# them so that whoever takes one away has what was written.
FORMULA = set("=+-@＝＋－＠\t\r\n'")


def formula_safe(text: str) -> str:
    """Text that a spreadsheet shows and never runs: a leading formula sign gets an apostrophe before it.

    So does one after blanks, which some programs skip.
    """
    return text if FORMULA.isdisjoint(text[:1] + text.lstrip()[:1]) else f"'{text}"


def written(cell: str) -> str:
    """What was there before `formula_safe`."""
    return cell.removeprefix("'")
