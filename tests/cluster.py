"""A cluster as docs/CLUSTER.md has it started: its very lines, on loopback, each in a folder of its own."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dask
import psutil
import trustme
from distributed import Client

from tests.browser import ROOT

PAGE = ROOT / "docs" / "CLUSTER.md"
HOSTS = re.compile(r"\b[\w-]+\.plant\.example\b")
TLS = "DASK_DISTRIBUTED__COMM__TLS__"


def lines(page: str) -> list[str]:
    """What the page has typed on each of the cluster's computers, one line a command."""
    blocks = re.findall(r"^```sh cluster\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]


def certificate(folder: Path) -> dict[str, Path]:
    """Of a company's own authority, and one that it has given to this computer."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    files = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(files["ca"])
    issued.cert_chain_pems[0].write_to_path(files["cert"])
    issued.private_key_pem.write_to_path(files["key"])
    return files


def settings(files: Mapping[str, Path]) -> dict[str, str]:
    """The page's `export` lines, with these files and this program."""
    told = [line for line in lines(PAGE.read_text(encoding="utf-8")) if line.startswith("export ")]
    mine = dict(line.removeprefix("export ").split("=", 1) for line in told) | {"PYTHONPATH": str(ROOT)}
    for name, value in mine.items():
        if name.startswith(TLS):
            kind = "ca" if name.endswith("CA_FILE") else name.rsplit("__", 1)[1].lower()
            assert value.endswith(f"{kind}.pem"), name
            mine[name] = str(files[kind])
    return mine


@dataclass(frozen=True, slots=True)
class Machine:
    """A process with a folder of its own, and all that it starts."""

    process: subprocess.Popen[bytes]
    folder: Path

    def kill(self) -> None:
        """As a computer dies: all at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def log(self) -> str:
        return (self.folder / "log.txt").read_text(encoding="utf-8", errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class Cluster:
    address: str
    environment: dict[str, str]  # of whoever may come in
    files: dict[str, Path]  # the certificate that it names
    scheduler: Machine
    workers: tuple[Machine, ...]

    @contextmanager
    def client(self) -> Iterator[Client]:
        with trusting(self.files), Client(self.address, timeout=60) as client:
            yield client

    def whose(self, client: Client) -> dict[str, Machine]:
        """Which machine answers at the address of each worker."""
        of = {machine.process.pid: machine for machine in self.workers}
        return {address: of[_topmost(pid, of)] for address, pid in client.run(os.getpid).items()}


def trusting(files: Mapping[str, Path]) -> AbstractContextManager[object]:
    """For the tests' own process: Dask's settings with this certificate; {}: with none."""
    names = {"ca": "ca-file", "cert": "client.cert", "key": "client.key"}
    return dask.config.set({f"distributed.comm.tls.{names[one]}": str(file) for one, file in files.items()})


def _topmost(pid: int, of: Mapping[int, Machine]) -> int:
    return next(one.pid for one in (psutil.Process(pid), *psutil.Process(pid).parents()) if one.pid in of)


@contextmanager
def running(folder: Path, n_workers: int, more: Mapping[str, str]) -> Iterator[Cluster]:
    """A scheduler and workers, with TLS between them.

    Args:
        more: what their environment says besides.
    """
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    told = [HOSTS.sub("127.0.0.1", line).replace("8786", str(port)) for line in lines(PAGE.read_text(encoding="utf-8"))]
    [scheduler] = [line for line in told if line.startswith("dask scheduler")]
    [worker] = [line for line in told if line.startswith("dask worker")]
    files = certificate(folder)
    environment = {**settings(files), **more}
    with ExitStack() as stack:

        def started(name: str, line: str) -> Machine:
            return stack.enter_context(_machine(folder / name, line, environment))

        first = started("scheduler", scheduler)
        workers = tuple(started(f"worker-{i}", worker) for i in range(n_workers))
        yield Cluster(f"tls://127.0.0.1:{port}", environment, files, first, workers)


@contextmanager
def _machine(folder: Path, line: str, environment: Mapping[str, str]) -> Iterator[Machine]:
    """One line typed in an empty folder; what it starts ends with it."""
    folder.mkdir()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PILOT_")}
    own = {"TMPDIR": str(folder), "HOME": str(folder)}
    words = [str(Path(sys.executable).parent / "dask"), *shlex.split(line)[1:]]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            words, cwd=folder, env={**ours, **environment, **own}, stdout=log, stderr=log, start_new_session=True
        )
    machine = Machine(process, folder)
    try:
        yield machine
    finally:
        if process.poll() is None:
            machine.kill()
