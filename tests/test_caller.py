"""What the door makes of a request: where somebody may go on to, and in which language."""

import pytest
from starlette.requests import Request

from pages.entrance.caller import language_of, local


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/\t/elsewhere.example",
        "\\\\elsewhere.example",
        "javascript:alert(1)",
        "elsewhere.example",
        "/\r\nSet-Cookie: a=b",
        "",
        None,
    ],
)
def test_nobody_is_led_elsewhere(address: str | None):
    assert local(address) == "/"


@pytest.mark.parametrize("address", ["/", "/data?pilot=1&lang=ja", "/maps", "/rate?x=a//b"])
def test_addresses_of_the_app_are_gone_back_to(address: str):
    assert local(address) == address


@pytest.mark.parametrize(
    ("preferred", "asked", "speaks"),
    [
        ("ja,en;q=0.8", "", "ja"),
        ("en-GB,en;q=0.9,ja;q=0.8", "", "en"),
        ("de,fr;q=0.9", "", "en"),
        ("", "", "ja"),
        ("en", "ja", "ja"),
        ("ja", "en", "en"),
        ("en", "<script>", "en"),
    ],
)
def test_the_language_is_the_one_that_was_chosen_or_the_browsers(preferred: str, asked: str, speaks: str):
    headers = [(b"accept-language", preferred.encode())] if preferred else []
    assert language_of(Request({"type": "http", "headers": headers}), asked) == speaks
