"""The secret of an app in team mode: made once, by manage.py, and kept in a file that nobody else may read.

Everything that is signed is signed with a key of its own that comes from it.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from core.errors import N_, UserError

NAME = "team.secret"
PREFIX = "pilot-team-1"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
N_CHECK = 8  # digits of the checksum: enough to tell a file that was torn or typed


def make(folder: Path) -> None:
    """Draw it, unless it is there already. What is there is judged by `read`."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(folder / NAME, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return
    with os.fdopen(file, "w", encoding="ascii") as out:
        drawn = secrets.token_hex(32)
        out.write(f"{PREFIX}:{drawn}:{_checksum(drawn)}\n")
        out.flush()
        os.fsync(out.fileno())


def read(folder: Path) -> str:
    """64 hexadecimal digits. Raises UserError where they are missing, not ours, or not secret."""
    file = folder / NAME
    try:
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        raise UserError(
            N_("Team mode needs its secret, {file}, and it is not there."),
            N_("Start the app with manage.py run --team: it makes one."),
            file=str(file),
        ) from None
    except (OSError, UnicodeDecodeError):
        text = ""
    if os.name == "posix" and file.stat().st_mode & OTHERS:
        raise UserError(
            N_("Others on this computer may read the secret of team mode, {file}."),
            N_("Delete the file and start the app with manage.py run --team: it makes a new one."),
            file=str(file),
        )
    found = re.fullmatch(rf"{PREFIX}:([0-9a-f]{{64}}):([0-9a-f]{{{N_CHECK}}})\n", text)
    if found is None or found[2] != _checksum(found[1]):
        raise UserError(
            N_("The file {file} is not a secret that this app made."),
            N_("Delete it and start the app with manage.py run --team: it makes a new one."),
            file=str(file),
        )
    return found[1]


def key(secret: str, purpose: str) -> str:
    """For one purpose: whoever learns one key learns no other."""
    return hmac.new(bytes.fromhex(secret), purpose.encode(), hashlib.sha256).hexdigest()


def _checksum(drawn: str) -> str:
    return hashlib.sha256(f"{PREFIX}:{drawn}".encode()).hexdigest()[:N_CHECK]
