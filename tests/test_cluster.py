"""A pilot on a cluster: scheduler and workers elsewhere, TLS between them, files in a bucket, answers in PostgreSQL."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import Client
from playwright.sync_api import expect
from sqlalchemy import create_engine, make_url, text

from tests.browser import App, Rater, new_pilot, running_app, until, upload
from tests.bucket import BUCKET, Server
from tests.cluster import Cluster, Machine, running

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed in groups here")


@pytest.fixture(scope="module")
def cluster(bucket: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster"), 2, bucket.environment) as started:
        yield started


@pytest.fixture
def url() -> Iterator[str]:
    """An empty PostgreSQL database: a schema of its own on the server."""
    server = os.environ.get("PILOT_TEST_POSTGRES_URL")
    if not server:
        pytest.skip("PILOT_TEST_POSTGRES_URL is not set: the journey on a cluster was not made")
    schema, admin = f"t_{uuid.uuid4().hex}", create_engine(server)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield make_url(server).update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(False)
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def app(cluster: Cluster, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """With nothing of its own but a folder for copies."""
    ours = {"PILOT_DASK": cluster.address, "PILOT_DATABASE_URL": url, "PILOT_STORE": f"s3://{BUCKET}/plant"}
    for name, value in (ours | cluster.environment).items():
        monkeypatch.setenv(name, value)
    with running_app(tmp_path) as started:
        yield started


def waves(file: Path) -> Path:
    t = np.arange(4000)
    flow, pressure = np.sin(t / 9) + (t // 1000) % 2 * np.sin(t / 3), np.cos(t / 20)
    file.write_text("flow,pressure\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in zip(flow, pressure, strict=True)))
    return file


def kill_whoever_works(client: Client, machines: dict[str, Machine]) -> Machine:
    """Wait until a worker has a job; then its computer dies."""
    busy: list[str] = []

    def somebody_works() -> bool:
        busy[:] = [address for address, jobs in client.processing().items() if jobs]
        return bool(busy)

    until(somebody_works)
    machines[busy[0]].kill()
    return machines[busy[0]]


def test_from_a_csv_to_evidence_on_a_cluster_that_loses_a_worker(browser, app, cluster, bucket, url, tmp_path):
    someone = Rater(browser, app, "en", (1280, 800))
    with cluster.client() as client:
        client.wait_for_workers(2, timeout=60)
        machines = cluster.whose(client)
        assert {*machines.values()} == {*cluster.workers}
        new_pilot(someone, "Does a cluster draw our maps?")
        upload(someone, waves(tmp_path / "line.csv"))
        someone.page.get_by_role("button", name=someone.word("Use this data")).first.click()
        dead = kill_whoever_works(client, machines)
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
    answers = create_engine(url)
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
