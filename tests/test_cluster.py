"""A pilot on a cluster: scheduler and workers elsewhere, TLS between them, files in a bucket, answers in PostgreSQL."""

import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import dask
import numpy as np
import pytest
from distributed import Client
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from core.artifacts import Store
from core.errors import UserError
from core.jobs import Change, Engine
from pages.parts import work
from pages.parts.work import NO_ENGINE
from tests import chores
from tests.browser import App, Rater, new_pilot, running_app, until, upload
from tests.bucket import BUCKET, Server
from tests.cluster import Cluster, Machine, certificate, running, trusting
from tests.test_jobs import Listener

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed in groups here")


@pytest.fixture(scope="module")
def cluster(bucket: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster"), 2, bucket.environment) as started:
        yield started


@pytest.fixture
def store(bucket: Server, tmp_path: Path) -> Store:
    return Store(tmp_path / "artifacts", bucket.fresh())


@pytest.fixture
def engine(cluster: Cluster, store: Store) -> Iterator[tuple[Engine, Listener]]:
    heard = Listener()
    with trusting(cluster.files):
        engine = Engine(store, heard, cluster.address)
        yield engine, heard
        engine.close()


@pytest.fixture
def app(cluster: Cluster, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """With nothing of its own but a folder for copies."""
    ours = {"PILOT_DASK": cluster.address, "PILOT_DATABASE_URL": postgresql, "PILOT_STORE": f"s3://{BUCKET}/plant"}
    for name, value in (ours | cluster.environment).items():
        monkeypatch.setenv(name, value)
    with running_app(tmp_path) as started:
        yield started


# --- the engine, over TLS


def test_a_worker_is_made_ready_by_the_app_and_keeps_its_files_to_itself(engine, store, cluster):
    [app, heard], key = engine, "ab" * 32
    app.submit(key, chores.describe, key)
    assert heard.wait(key).state == "done"
    told = store.meta(key)
    assert store.array(key, "x").tolist() == [0, 1, 2]
    assert (told["torch"], told["threads"]) == (True, cluster.environment["OMP_NUM_THREADS"])
    assert any(Path(told["root"]).is_relative_to(worker.folder) for worker in cluster.workers)


def test_on_a_shared_file_system_all_use_the_apps_folder_wherever_they_were_started(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store, heard, key = Store(Path("data/artifacts")), Listener(), "cd" * 32
    with trusting(cluster.files):
        app = Engine(store, heard, cluster.address)
        app.submit(key, chores.describe, key)
        assert heard.wait(key).state == "done"
        app.close()
    assert store.meta(key)["root"] == str(tmp_path / "data" / "artifacts")


def test_jobs_report_make_way_for_what_is_urgent_and_are_cancelled_there_too(engine, store):
    app, heard = engine
    app.submit("numbers", chores.wait_for_go, "numbers", urgency=-1)
    assert heard.wait("numbers", "running") == Change("numbers", "running", "waiting", 0, 1)
    app.submit("map", chores.wait_for_go, "map")
    heard.wait("map", "running")
    until(lambda: store.noted("numbers.ran") == 2)  # it stepped aside, and began anew on the worker that is free
    app.cancel("map")
    assert heard.wait("map").state == "cancelled"
    store.note("numbers.go", 1)
    assert heard.wait("numbers").state == "done"
    assert (store.noted("map.ran"), store.begun("numbers")) == (1, 0)


@pytest.mark.parametrize("trust", ["no certificate", "another authority's", "no TLS"])
def test_who_has_no_certificate_of_the_cluster_gets_in_nowhere_and_the_app_says_so(
    trust, cluster, place, tmp_path, monkeypatch
):
    files = {} if trust == "no certificate" else certificate(tmp_path)
    monkeypatch.setenv("PILOT_DASK", cluster.address.replace("tls", "tcp") if trust == "no TLS" else cluster.address)
    spec = place.spec(place.data(place.pilot()))
    with trusting(files), dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        work.want(spec)
        work._submit(spec.fingerprint(), spec)
    told = work.state(spec)
    assert (told.state, told.error["problem"]) == ("failed", NO_ENGINE.problem)


def test_no_port_of_the_cluster_talks_to_who_has_no_certificate(cluster):
    with cluster.client() as client:
        workers = client.scheduler_info()["workers"]
    found = {cluster.address, *workers, *(one["nanny"] for one in workers.values())}
    assert len(found) == 1 + 2 * len(workers) > 1
    assert {address for address in found if answers(address, cluster.files)} == found
    assert {address for address in found if answers(address, {})} == set()


def answers(address: str, files: Mapping[str, Path]) -> bool:
    """Whether somebody there says a word, by TLS. Who is there is not looked at."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    if files:
        trust.load_cert_chain(files["cert"], files["key"])
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), timeout=10) as plain:
        try:
            with trust.wrap_socket(plain) as secret:
                return bool(secret.recv(1))
        except (ssl.SSLError, ConnectionError):
            return False


def test_a_worker_without_this_program_is_told_of_before_anything_is_asked_of_it(tmp_path, store):
    with running(tmp_path, 1, {"PYTHONPATH": ""}) as strangers, trusting(strangers.files):
        with Client(strangers.address, timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
        with pytest.raises(UserError, match="does not know this program"):
            Engine(store, print, strangers.address)


def test_a_bucket_that_does_not_answer_ends_a_job_with_a_sentence(bucket, cluster, place, monkeypatch):
    spec = place.spec(place.data(place.pilot()))
    monkeypatch.setenv("PILOT_DASK", cluster.address)
    monkeypatch.setenv("PILOT_STORE", bucket.fresh())
    work.store.cache_clear()
    work.want(spec)
    with trusting(cluster.files), bucket.out_of_reach():
        work._submit(spec.fingerprint(), spec)
        work._engine().close()
        work._engine.cache_clear()
    told = work.state(spec)
    assert (told.state, told.error["problem"][:16]) == ("failed", "The shared store")


# --- the journey


def waves(file: Path) -> Path:
    t = np.arange(4000)
    flow, pressure = np.sin(t / 9) + (t // 1000) % 2 * np.sin(t / 3), np.cos(t / 20)
    file.write_text("flow,pressure\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in zip(flow, pressure, strict=True)))
    return file


def kill_whoever_works(client: Client, machines: dict[str, Machine], begun: Callable[[], bool]) -> Machine:
    """Wait until a worker is at a job; then its computer dies."""
    busy: list[str] = []

    def somebody_works() -> bool:
        busy[:] = [address for address, jobs in client.processing().items() if jobs]
        return bool(busy)

    until(lambda: somebody_works() and begun())
    machines[busy[0]].kill()
    return machines[busy[0]]


def test_from_a_csv_to_evidence_on_a_cluster_that_loses_a_worker(browser, app, cluster, bucket, postgresql, tmp_path):
    someone = Rater(browser, app, "en", (1280, 800))
    with cluster.client() as client:
        client.wait_for_workers(2, timeout=60)
        machines = cluster.whose(client)
        assert {*machines.values()} == {*cluster.workers}
        new_pilot(someone, "Does a cluster draw our maps?")
        upload(someone, waves(tmp_path / "line.csv"))
        someone.page.get_by_role("button", name=someone.word("Use this data")).first.click()
        dead = kill_whoever_works(client, machines, lambda: any(one.endswith(".runs") for one in bucket.names("plant")))
        someone.sees("Keep this map")
        [left] = client.run(os.getcwd).values()
        assert not Path(left).is_relative_to(dead.folder)
    someone.press("Keep this map")
    someone.sees("Kept as map {n}.", n=1)
    someone.press("Ask people about it")
    someone.press("Open the study")
    someone.press("Rate on this screen")
    someone.press("Begin")
    for _screen in someone.introduce():
        pass
    answers = create_engine(postgresql)
    while not rated(answers):
        for _screen in someone.item():
            pass
    answers.dispose()

    kept = app.data / "artifacts"
    files = {file.relative_to(kept).as_posix() for file in kept.glob("*/*")}
    assert len(files) > 8
    assert {f"plant/{file}" for file in files} - {*bucket.names("plant")} == set()
    shutil.rmtree(kept)
    someone.open("/")
    someone.sees("Map {n} was rated {mean:.1f} of 5 by {people}.", n=1, mean=4, people="1 person")
    someone.press("Continue")
    someone.sees("Go on, improve or stop?")
    expect(someone.charts().first).to_contain_text("Map 1")
    assert someone.complaints == []


def rated(answers) -> bool:
    with answers.connect() as db:
        scores = "SELECT count(score) FROM rating JOIN study_item ON study_item.id = item_id WHERE kind = 'view'"
        return bool(db.scalar(text(scores)))
