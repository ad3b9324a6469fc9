"""The gate on one's own computer: other names, other sites' pages, what is not there, and what a browser is told."""

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest, BackMsg
from websockets.exceptions import ConnectionClosed

from pages.entrance import cookies, stream
from pages.entrance.admission import Alone
from pages.entrance.gate import ELSEWHERE, NOT_OURS, NOTHING, Gate
from pages.entrance.hosts import Hosts, here, is_own_origin, reached
from pages.entrance.shield import shielded
from pages.entrance.visits import ONE, Visits
from pages.entrance.ways import PRODUCT, SCREENS, files
from pages.parts import mishap
from tests.browser import ROOT, App, running_app
from tests.client import Client, serving
from tests.streams import refusal, send_file, tab

EVIL = (
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1.evil.example",
    "localhost.evil.example:{port}",
    "10.0.0.1",
    "",
)
NOT_THERE = """
    /_stcore/metrics /_stcore/script-health-check /_stcore/agent/interact /_stcore/agent/openapi.json /_stcore/agent/mcp
    /_stcore/bidi-components/x/y.js /component/x/index.html /app/static/x /_stcore/message /media /no-such-screen /frame
    /data/ //data /static/../../app.py /static/js/no-such.js /index.html /login /enter /pin /logout
    /auth/login /oauth2callback /_stcore/upload_file/x/y /api/ratings
""".split()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running_app(tmp_path_factory.mktemp("data"), has_engine=False) as running:
        yield running


@pytest.fixture
def someone(app: App) -> Client:
    return Client(app.address)


def scope(host: str, origin: str = "", **more: Any) -> dict[str, Any]:
    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    return {"scheme": "http", "headers": headers, "server": ("192.168.0.5", 8501)} | more


# --- whose name, and whose page


@pytest.mark.parametrize("host", EVIL)
def test_under_a_name_that_is_not_ours_nothing_answers(someone: Client, app: App, host: str):
    host = host.format(port=app.port)
    for path in ("/", "/_stcore/health", "/static/x.js", "/no-such-screen"):
        answer = someone.get(path, Host=host)
        assert (answer.status, NOT_OURS in answer.body) == (421, True), path


def test_a_websocket_under_another_name_is_refused(app: App):
    """As a browser is led here by a name that its owner lets point to this computer."""
    asks = "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\n"
    asks += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    said = {}
    for host in (f"127.0.0.1:{app.port}", f"localhost:{app.port}", f"evil.example:{app.port}"):
        with socket.create_connection(("127.0.0.1", app.port), 10) as wire:
            wire.sendall(asks.format(host=host).encode())
            said[host.split(":")[0]] = wire.recv(1000).split()[1]
    assert said == {"127.0.0.1": b"101", "localhost": b"101", "evil.example": b"403"}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1", "https://127.0.0.1:{port}"])
def test_what_another_sites_page_sends_changes_nothing(someone: Client, app: App, origin: str):
    origin = origin.format(port=app.port)
    assert refusal(someone) == 101
    assert refusal(someone, Origin=origin) == 403
    for method, path in (("POST", "/api/ratings"), ("PUT", "/_stcore/upload_file/x/y"), ("POST", "/no-such-screen")):
        answer = someone.send(method, path, b"{}", {"Origin": origin})
        assert (answer.status, ELSEWHERE in answer.body) == (403, True)
    assert someone.send("OPTIONS", "/api/ratings", None, {"Origin": origin}).status == 403
    assert someone.send("POST", "/api/ratings", b"{}", {}).status == 400  # ours is read, and is no answer to anything


@pytest.mark.parametrize(
    ("hosts", "host", "is_known"),
    [
        (here(), "[::1]:8501", True),
        (here(), "LOCALHOST:8501", True),
        (here(), "192.168.0.5:8501", False),
        (here(), "127.0.0.1@evil.example", False),
        (here(), "localhost:8501, evil.example", False),
        (reached(""), "192.168.0.5:8501", True),  # where the request arrived
        (reached(""), "192.168.0.6:8501", False),
        (reached(""), f"{socket.gethostname()}:8501", True),
        (reached(""), "pilot.plant.example", False),
        (reached("http://pilot.plant.example:8080"), "pilot.plant.example:8080", True),
        (reached("http://pilot.plant.example:8080"), "192.168.0.5:8501", True),
        (reached("https://Pilot.plant.example"), "pilot.plant.example", True),
        (reached("https://pilot.plant.example"), "192.168.0.5:8501", False),  # passphrases would go in the clear
        (reached("https://pilot.plant.example"), "localhost:8501", True),  # for whoever runs it
    ],
)
def test_names_under_which_the_app_answers(hosts: Hosts, host: str, is_known: bool):
    assert hosts.knows(scope(host)) is is_known


def test_behind_a_server_that_speaks_tls_everything_is_as_the_browser_sees_it():
    hosts = reached("https://pilot.plant.example")
    outside = scope("pilot.plant.example", "https://pilot.plant.example")
    assert [hosts.scheme(outside | {"scheme": scheme}) for scheme in ("http", "ws", "https")] == [
        "https",
        "wss",
        "https",
    ]
    assert hosts.scheme(scope("localhost:8501")) == "http"
    assert is_own_origin(outside | {"scheme": "https"})
    assert not is_own_origin(scope("pilot.plant.example", "http://pilot.plant.example", scheme="https"))


def test_a_login_is_found_beside_cookies_of_other_programs_on_this_computer():
    """They share a host, whatever their port; some hold what is no proper cookie."""
    sent = [(b"cookie", b'odd={"a": [1, 2]}; \xe9=x; pilot_login=mine; b c=d')]
    assert cookies.token({"headers": sent, "scheme": "http"}) == "mine"
    assert cookies.token({"headers": sent, "scheme": "https"}) == ""  # over TLS only the name that others cannot set
    secure = [(b"cookie", b"pilot_login=theirs; __Host-pilot_login=mine")]
    assert cookies.token({"headers": secure, "scheme": "wss"}) == "mine"


@pytest.mark.parametrize(("scheme", "name"), [("http", "pilot_login"), ("https", "__Host-pilot_login")])
def test_the_cookie_is_kept_from_scripts_and_other_sites(scheme: str, name: str):
    answer = Response()
    cookies.set_cookie(answer, "mine", scheme)
    said = answer.headers["set-cookie"].split("; ")
    assert said[0] == f"{name}=mine"
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {*said}
    assert ("Secure" in said) is (scheme == "https")
    assert "Domain" not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("sender", "counted"),
    [
        ("192.168.0.5", "192.168.0.5"),
        ("::ffff:192.168.0.5", "192.168.0.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_whom_a_limit_counts_for(sender: str, counted: str):
    assert cookies.client({"client": (sender, 1)}) == counted


def test_behind_tls_browsers_are_told_to_keep_to_it():
    told = dict(shielded([(b"Access-Control-Allow-Origin", b"*")], scope("localhost:8501", scheme="https")))
    assert told[b"strict-transport-security"].startswith(b"max-age=")
    assert b"wss://localhost:8501" in told[b"content-security-policy"]
    assert b"Access-Control-Allow-Origin" not in told


def test_two_host_headers_are_none():
    twice = scope("localhost")
    twice["headers"] = [*twice["headers"], (b"host", b"evil.example")]
    assert not here().knows(twice)


# --- what there is


@pytest.mark.parametrize("path", NOT_THERE)
def test_what_the_app_does_not_need_is_not_there(someone: Client, path: str):
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        if (method, path) != ("POST", "/api/ratings"):
            answer = someone.send(method, path, None, {})
            assert (answer.status, NOTHING in answer.body) == (404, True), method


def test_every_screen_has_an_address():
    addresses = set(re.findall(r'url_path="(\w+)"', (ROOT / "pages" / "frame.py").read_text(encoding="utf-8")))
    assert addresses == {*SCREENS}


# --- what a browser is told


def answers(someone: Client) -> Iterator[Any]:
    yield someone.get("/")
    yield someone.get("/data")
    yield someone.get("/_stcore/health", Origin="http://localhost:3000")
    yield someone.get("/_stcore/host-config")
    yield someone.get("/favicon.png")
    yield someone.get(f"{min(files())}")
    yield someone.get("/media/no-such-file")
    yield someone.get("/no-such-screen")
    yield someone.get("/", Host="evil.example")
    yield someone.send("POST", "/api/ratings", b"{}", {"Origin": "http://evil.example"})
    yield someone.send("POST", "/api/ratings", b"{}", {})


def test_every_answer_says_how_far_to_trust_it_and_none_opens_the_app_to_other_sites(someone: Client):
    for answer in answers(someone):
        told = {name.lower(): value for name, value in answer.headers.items()}
        assert told["x-frame-options"] == "DENY"
        assert told["x-content-type-options"] == "nosniff"
        assert told["referrer-policy"] == "same-origin"
        assert told["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in told["permissions-policy"]
        assert not [name for name in told if name.startswith("access-control-")]
        assert "strict-transport-security" not in told  # over plain HTTP it means nothing
        policy = dict(part.strip().split(" ", 1) for part in told["content-security-policy"].split(";"))
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in policy["script-src"]
        assert policy["default-src"] == policy["form-action"] == "'self'"


def test_an_app_that_fails_says_no_more_than_that():
    async def fail(_request: Request) -> None:
        raise ValueError("a secret of the app")

    settings = {"hosts": here(), "people": Alone(), "ways": PRODUCT, "visits": Visits(ONE)}
    routes = [Route("/data", fail)]
    broken = Starlette(
        routes=routes, middleware=[Middleware(Gate, **settings)], exception_handlers={Exception: mishap.answer}
    )
    with serving(broken) as address:
        answer = Client(address).get("/data")
    assert (answer.status, mishap.FAILED in answer.body, "secret" in answer.body) == (500, True, False)
    assert answer.headers["x-frame-options"] == "DENY"


# --- what the websocket lets through

WANTED = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"}
UNWANTED = {"clear_cache", "set_run_on_save", "load_git_info", "debug_disconnect_websocket", "debug_shutdown_runtime"}


def message(kind: str) -> BackMsg:
    one = BackMsg()
    if BackMsg.DESCRIPTOR.fields_by_name[kind].message_type:
        getattr(one, kind).SetInParent()
    else:
        setattr(one, kind, True)
    return one


def test_every_message_that_streamlit_knows_is_let_through_or_not_on_purpose():
    kinds = {field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields}
    assert kinds == WANTED | UNWANTED
    let_through = {kind for kind in kinds if stream.is_wanted(message(kind), "lead")}
    assert let_through == WANTED - {"backend_operation_request"}  # which depends on what it asks for
    assert not stream.is_wanted(BackMsg(), "lead")
    assert {kind for kind in kinds if stream.is_wanted(message(kind), "manager")} == let_through - {"file_urls_request"}
    assert {kind for kind in kinds if stream.is_wanted(message(kind), "nobody")} <= stream.ALWAYS


def test_of_what_a_server_does_at_request_only_downloads_are_let_through():
    operations = [field.name for field in BackendOperationRequest.DESCRIPTOR.oneofs_by_name["payload"].fields]
    assert {*operations} == {"deferred_file", "dataframe_chunk", "install_skills", "dismiss_skills_nudge"}
    for name in operations:
        one = message("backend_operation_request")
        getattr(one.backend_operation_request, name).SetInParent()
        is_download = name in ("deferred_file", "dataframe_chunk")
        assert stream.is_wanted(one, "lead") is stream.is_wanted(one, "manager") is is_download
        assert not stream.is_wanted(one, "rater")


def test_what_is_dropped_gets_no_answer_and_the_screen_goes_on(someone: Client):
    with tab(someone) as here:
        assert "Waveform pilot" in here.draw(query_string="lang=en")
        here.send(set_run_on_save=True)  # Streamlit's answer to it would be session_status_changed
        here.socket.send(b"\xff\xff no message")
        here.draw(query_string="lang=en")
        assert {"session_status_changed", "git_info_changed"}.isdisjoint(
            one.WhichOneof("type") for one in here.seen[3:]
        )


def test_a_message_that_no_screen_sends_closes_the_socket(someone: Client):
    with tab(someone) as here:
        here.draw(query_string="x" * (stream.MOST_BYTES // 2))
        here.send(rerun_script={"query_string": "x" * (stream.MOST_BYTES + 1)})
        with pytest.raises(ConnectionClosed) as closed:
            here.until("no such thing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == stream.TOO_LARGE


def test_files_come_in_only_for_a_session_that_is_ones_own(someone: Client):
    with tab(someone) as here:
        here.draw()
        assert here.upload(someone, "one", b"a,b\n1,2\n") == 204
        assert send_file(someone, f"/_stcore/upload_file/{here.session[:-1]}/one", b"a") == 404


def test_the_language_of_the_page_is_set_without_a_script_in_it():
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "pages").rglob("*.py")]
    assert not [text for text in texts if "unsafe_allow_javascript" in text]


def test_no_login_of_anybody_is_in_the_log(app: App, someone: Client):
    someone.get("/rate?invite=SECRET-OF-SOMEBODY")
    someone.get("/", Host="evil.example")
    assert not re.search(r"SECRET|evil|127\.0\.0\.1 ", app.log())
