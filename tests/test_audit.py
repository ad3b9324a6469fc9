"""A known hole fails the check, and no network does not."""

import pytest

from tests import audit

CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
OPEN = {"name": "b", "version": "2", "vulns": [{"id": "CVE-2", "fix_versions": []}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize("packages", [None, [], [UNKNOWN, UNKNOWN]])
def test_where_the_index_tells_of_nothing_it_says_so_and_fails_nothing(packages):
    assert audit.judged(packages) == (["pip-audit: not checked (no network)"], True)


def test_no_hole_is_well():
    assert audit.judged([CLEAN]) == (["pip-audit: 1 packages, no known hole"], True)


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ([CLEAN, HOLED], "b 2: CVE-1, mended in 3"),
        ([OPEN], "b 2: CVE-2, mended in no version yet"),
        ([CLEAN, UNKNOWN], "c: not found"),
    ],
)
def test_a_hole_or_a_package_that_the_index_does_not_know_fails(packages, said):
    assert audit.judged(packages) == ([said], False)


def test_it_never_waits_without_end():
    assert audit.asked(seconds=0.01) is None
