"""`manage.py check`: does any installed package have a known hole? All of .venv is asked about, not only what
requirements.txt names, because what comes along with those can have holes too.

pip-audit asks the package index. Where that cannot be reached, this says "not checked" and fails nothing; a hole fails,
and so does a package that the index, though it answers for others, does not know (pip-audit's --strict would also fail
where nothing can be reached).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MOST_SECONDS = 60
NOT_CHECKED = "pip-audit: not checked (no network)"
Packages = Sequence[Mapping[str, Any]]


def asked(seconds: float = MOST_SECONDS) -> Packages | None:
    """What pip-audit says of each package; None: it came to no end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "audit.json"
        words = ["--local", "--timeout", "10", "--progress-spinner", "off", "--format", "json", "--output", str(file)]
        try:
            subprocess.run([sys.executable, "-m", "pip_audit", *words], capture_output=True, timeout=seconds)
            return list(json.loads(file.read_text(encoding="utf-8"))["dependencies"])
        except (subprocess.TimeoutExpired, FileNotFoundError):
            return None


def judged(packages: Packages | None) -> tuple[list[str], bool]:
    """Lines to print, and whether it is well."""
    unknown = [one for one in packages or () if "skip_reason" in one]
    if packages is None or len(unknown) == len(packages):
        return [NOT_CHECKED], True
    holes = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in packages
        for hole in one.get("vulns", ())
    ]
    wrong = [*holes, *(f"{one['name']}: {one['skip_reason']}" for one in unknown)]
    return wrong or [f"pip-audit: {len(packages)} packages, no known hole"], not wrong


if __name__ == "__main__":
    lines, is_well = judged(asked())
    print("\n".join(lines))
    sys.exit(not is_well)
