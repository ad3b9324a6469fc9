"""`python -m core`: what the screens do, without a screen. core/commands.py does it.

That takes a second to load and is imported only when the call is understood: who asks for help must not wait.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import N_, UserError
from core.progress import Reporter
from core.words import Language, Voice

WRONG, INTERRUPTED = 2, 130  # how the process ends, beside core.commands.DONE, SOME_FAILED and ALERT
ENDS = (
    "It ends with 0: done; 1: something could not be made, and the rest was; 2: the call or a file is wrong; "
    "3 (watch --once): new data no longer fit a map; 130: interrupted, and the same command goes on where it was."
)
REFUSED = N_("The computer refused that: {why}.")
WORK = {
    "validate": "read everything, and say what is in it and what is done already",
    "embed": "have the models read the stretches, each embedding once",
    "project": "draw all maps, with the numbers on them",
    "tune": "train all models further",
    "probe": "plant truths into the data of each map and look for them",
}


def main(argv: Sequence[str]) -> int:
    """Do what the words say. Returns: how the process should end."""
    args = _parser().parse_args(argv)
    voice = Voice(args.language or _language())
    progress = Reporter(voice, sys.stderr)
    try:
        from core.commands import COMMANDS, Desk

        return COMMANDS[args.command](Desk(args, voice, progress))
    except UserError as error:
        progress.line(voice.error(error))
        return WRONG
    except OSError as error:  # no such folder, no right to write there, a full disk
        refused = UserError(REFUSED, N_("Look at the path, your rights there, and the room on the disk."), why=error)
        progress.line(voice.error(refused))
        return WRONG
    except KeyboardInterrupt:
        progress.line(voice._(N_("Interrupted. The same command goes on from here.")))
        return INTERRUPTED


def _language() -> Language:
    said = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "ja" if said.startswith("ja") else "en"


def _parser() -> argparse.ArgumentParser:
    """Its help is in English, as manage.py's is: it is for people who write commands."""
    parser = argparse.ArgumentParser("python -m core", description="Maps of waveforms, without a screen.", epilog=ENDS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about, epilog=ENDS)
        made.add_argument("--language", choices=("en", "ja"), help="of sentences (usual: as LANG says)")
        made.add_argument("--json", action="store_true", help="write JSON to standard output")
        return made

    for name, about in WORK.items():
        one = command(name, about)
        one.add_argument("pilot", type=Path, metavar="PILOT.toml")
        _add_store(one)
        if name == "project":
            one.add_argument("--to", type=Path, metavar="FOLDER", help="leave each map there, as CSV and PNG")
        if name != "validate":
            one.add_argument("--only", nargs="+", metavar="NAME", help="these maps (tune: trainings) and no others")
            one.add_argument("--dask", default="", metavar="ADDRESS", help="have a Dask cluster calculate")
    _add_bulk(command("bulk", "draw a map of a folder that is larger than memory: Parquet, or plain CSV"))
    one = command("watch", "place each new file of a folder on the maps, until Ctrl-C")
    one.add_argument("folder", type=Path, metavar="FOLDER")
    one.add_argument("--pilot", type=Path, required=True, metavar="PILOT.toml")
    one.add_argument("--only", nargs="+", metavar="NAME", help="on these maps and no others")
    one.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="between two looks (usual: 5)")
    one.add_argument("--once", action="store_true", help="do what is there, and end")
    one.set_defaults(dask="")
    _add_store(one)
    _add_answers(command("evidence", "what people's answers say"))
    one = command("report", "what people's answers say, as PDF or as a page for a browser")
    _add_answers(one)
    one.add_argument("--to", type=Path, required=True, metavar="FILE", help="ends with .pdf or .html")
    return parser


def _add_store(one: argparse.ArgumentParser) -> None:
    one.add_argument("--store", type=Path, metavar="FOLDER", help="where results are kept (usual: with the app's)")


def _add_bulk(one: argparse.ArgumentParser) -> None:
    one.add_argument("folder", metavar="FOLDER", help="a path, or an address such as s3://plant/raw")
    one.add_argument("--pilot", type=Path, required=True, metavar="PILOT.toml")
    one.add_argument("--only", nargs=1, metavar="NAME", help="which map of the pilot, where it has several")
    one.add_argument("--to", required=True, metavar="FOLDER", help="where the Parquet files go: a path or an address")
    one.add_argument("--channels", nargs="+", metavar="COLUMN", help="what is measured (usual: as in the pilot)")
    one.add_argument("--time", default="", metavar="COLUMN", help="the clock (usual: as in the pilot)")
    one.add_argument("--series", nargs="+", metavar="COLUMN", help="columns, or folders KEY=…, that tell a series")
    one.add_argument("--sample", type=int, default=20_000, metavar="N", help="stretches to draw the map of (20,000)")
    one.add_argument("--dask", dest="cluster", default="", metavar="ADDRESS", help="have a Dask cluster calculate")
    one.set_defaults(dask="")  # the pilot's own map is drawn here
    _add_store(one)


def _add_answers(one: argparse.ArgumentParser) -> None:
    about = "“All data (ZIP)” of a pilot, its folder, or answers.csv"
    one.add_argument("answers", type=Path, metavar="ANSWERS", help=about)


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the system writes its files in: names have any letters
    sys.exit(main(sys.argv[1:]))
