"""What leaves the product: files that other programs open."""


def formula_safe(text: str) -> str:
    """Text that a spreadsheet shows and never runs: a leading formula sign gets an apostrophe before it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
