"""Who may speak to the page: nothing leaks to paths that climb, other sites or noise, and it lives on."""

import contextlib
import json
import socket
import time
from pathlib import Path

import pytest

import clearprop.web
import hostile_requests
from clearprop.web.guard import gate, judging
from clearprop.web.guard.gate import Gate
from clearprop.web.guard.headers import HEADERS
from clearprop.web.guard.limits import Limits
from served import asked, raw, request, serving

STATIC = Path(clearprop.web.__file__).parent / "static"
SECRETS = (b"root:", b"import ", b"[build-system]", b"PATH=", b"Traceback")


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


def leaks(answer):
    """What an answer gives away: source code, files, traces."""
    return [secret for secret in SECRETS if secret in answer]


def get(served, target):
    """The answer to a request for a target as it is written, token included."""
    token = f"X-Clearprop-Token: {served.address.token}\r\nConnection: close"
    lines = f"GET {target} HTTP/1.1\r\nHost: {served.address.host}\r\n{token}\r\n\r\n"
    return raw(served, lines.encode("latin-1"), shut=False)


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def alive(served):
    return request(served, "/")[0] == 200


def test_paths_that_climb_lead_nowhere(served):
    targets = hostile_requests.traversals()
    assert len(targets) >= 300
    for target in targets:
        answer = get(served, target)
        assert status_of(answer) in (400, 404), target
        assert not leaks(answer), target
    assert alive(served)


async def careless(scope, receive, send):
    """A planted fault: an application that joins paths."""
    try:
        body = (STATIC / scope["path"].removeprefix("/static/")).read_bytes()
        status = 200
    except (OSError, ValueError):
        body, status = b"", 404
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_a_planted_traversal_is_found():
    with serving(plant=careless) as served:
        found = [target for target in hostile_requests.traversals() if leaks(get(served, target))]
    assert len(found) > 20


def passed(served, given, known):
    """Whether a request for a new bench came through the gate (the rooms would answer 200)."""
    token = {"X-Clearprop-Token": served.address.token} if known else {}
    headers = (
        {"Content-Type": "application/json", "Connection": "close", "Content-Length": "2"} | token | given
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    through = []
    for method, path in (
        ("POST", "/api/benches"),
        ("GET", "/api/benches/x"),
        ("PUT", "/"),
        ("OPTIONS", "/api/benches"),
    ):
        answer = raw(served, f"{method} {path} HTTP/1.1\r\n{lines}\r\n{{}}".encode(), shut=False)
        assert not leaks(answer)
        assert b"access-control-allow" not in answer.lower()
        if b'"id"' in answer or b"reload the page" in answer or b"HTTP/1.1 2" in answer:
            through.append(method)
    return through


def allowed(given):
    """Methods that may pass: reading needs neither an origin nor a body."""
    return ["GET"] if "Origin" not in given or "Content-Type" in given else []


def test_other_sites_are_not_answered(served):
    strangers = list(hostile_requests.strangers(served.address.host, served.address.origin))
    assert len(strangers) >= 50
    for given, known in strangers:
        assert passed(served, given, known) == allowed(given), given
    own = {"Host": served.address.host, "Origin": served.address.origin, "Sec-Fetch-Site": "same-origin"}
    assert passed(served, own, known=True) == ["POST", "GET"]


@pytest.mark.parametrize("fault", ["host", "origin", "token", "site", "kind"])
def test_a_planted_hole_in_the_gate_is_found(monkeypatch, fault):
    whole = judging.refusal

    def refusal(address, limits, method, path, headers, target=0):
        """A gate that forgets to look at one thing."""
        right = {
            "host": (b"host", address.host.encode()),
            "origin": (b"origin", address.origin.encode()),
            "token": (b"x-clearprop-token", address.token.encode()),
            "site": (b"sec-fetch-site", b"same-origin"),
            "kind": (b"content-type", b"application/json"),
        }[fault]
        kept = [each for each in headers if each[0] != right[0]]
        return whole(address, limits, method, path, [*kept, right], target)

    monkeypatch.setattr(gate.judging, "refusal", refusal)
    with serving() as served:
        strangers = hostile_requests.strangers(served.address.host, served.address.origin)
        assert any(passed(served, given, known) != allowed(given) for given, known in strangers)


def unsound(served, answer):
    """What is wrong with an answer to noise: it may be none, or a refusal that gives nothing away."""
    if not answer:
        return []
    found = [repr(secret) for secret in leaks(answer)]
    found += ["the token"] if served.address.token.encode() in answer else []
    found += [] if answer.startswith(b"HTTP/1.1 ") else ["no HTTP"]
    return found or (["an error of the server"] if status_of(answer) >= 500 else [])


def test_noise_is_survived(served):
    count = 0
    for data in hostile_requests.malformed(served.address.host, served.address.token, 1000):
        answer = raw(served, data)
        assert not unsound(served, answer), (data[:200], answer[:300])
        count += 1
    assert count == 1000
    assert alive(served)
    assert asked(served, "/api/benches", body={})["status"] in ("preparing", "paused")


def test_a_planted_stumble_is_found(monkeypatch):
    async def stumbling(scope, receive, send):
        raise ValueError("Traceback")

    with serving(plant=stumbling) as served:
        noise = hostile_requests.malformed(served.address.host, served.address.token, 200)
        assert any(unsound(served, raw(served, data, shut=False)) for data in list(noise)[10:60])


def chunked(served, pieces, *, kind="application/octet-stream"):
    head = (
        f"POST /api/uploads?name=a.csv HTTP/1.1\r\nHost: {served.address.host}\r\n"
        f"Origin: {served.address.origin}\r\n"
        f"X-Clearprop-Token: {served.address.token}\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    body = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return head.encode() + body


def test_a_body_is_counted_while_it_streams():
    with serving(limits=Limits(body=1000, json=100)) as served:
        piece = b"1,2,3,4\n" * 10
        assert status_of(raw(served, chunked(served, [piece] * 12) + b"0\r\n\r\n", shut=False)) in (200, 400)
        assert status_of(raw(served, chunked(served, [piece] * 13), shut=False)) == 413
        assert (
            status_of(raw(served, chunked(served, [b'{"a":1}'] * 15, kind="application/json"), shut=False))
            == 413
        )
        for size, status in ((1001, 413), (10**17, 413), (10**30, 400)):
            head = chunked(served, []).replace(
                b"Transfer-Encoding: chunked", f"Content-Length: {size}".encode()
            )
            assert status_of(raw(served, head, shut=False)) == status
        assert request(served, "/api/benches", body={"a": "b" * 200})[0] == 413
        assert alive(served)


def test_headers_are_counted_too():
    with serving(limits=Limits(headers=2000)) as served:
        assert request(served, "/", headers={"X-Long": "a" * 1000})[0] == 200
        for many in ({"X-Long": "a" * 2000}, {f"X-{k}": "a" * 100 for k in range(20)}):
            assert request(served, "/", headers=many)[0] == 431
        assert request(served, "/?" + "a" * 2000)[0] == 431


def test_who_sends_no_whole_request_is_left():
    with serving(limits=Limits(head_seconds=0.5, body_seconds=0.5)) as served:
        whole = f"GET / HTTP/1.1\r\nHost: {served.address.host}\r\n\r\n".encode()
        for begun in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: ", whole + b"GET / HT"):
            answer = raw(served, begun, seconds=30, shut=False)
            assert answer.count(b"HTTP/1.1 200") == begun.count(whole)
        assert status_of(raw(served, chunked(served, [b"a"]), seconds=30, shut=False)) == 408
        assert alive(served)


def test_connections_beyond_the_limit_are_closed():
    with serving(limits=Limits(connections=4)) as served:
        with contextlib.ExitStack() as open_ones:
            for _ in range(4):
                open_ones.enter_context(socket.create_connection(("127.0.0.1", served.address.port)))
            while len(served.server.server_state.connections) < 4:
                time.sleep(0.005)
            whole = f"GET / HTTP/1.1\r\nHost: {served.address.host}\r\n\r\n".encode()
            assert raw(served, whole, seconds=30) == b""
        while served.server.server_state.connections:
            time.sleep(0.005)
        assert alive(served)


def test_every_answer_has_its_headers(served):
    wanted = {name.decode(): value.decode() for name, value in HEADERS}
    for path, given in (
        ("/", {}),
        ("/static/main.js", {}),
        ("/static/none.js", {}),
        ("/api/benches/x", {}),
        ("/api/benches", {"body": {}}),
        ("/api/benches", {"body": {}, "token": False}),
        ("/", {"headers": {"Host": "evil.example"}}),
    ):
        _, headers, _ = request(served, path, **given)
        assert {name: headers.get(name) for name in wanted} == wanted
    noise = raw(served, b"no HTTP\r\n\r\n", shut=False)
    assert all(f"{name}: {value}".encode() in noise for name, value in wanted.items())
    assert "'unsafe" not in wanted["content-security-policy"]
    assert "*" not in wanted["content-security-policy"]


def test_the_page_and_its_files_hold_no_token(served):
    for path in ("/", "/static/main.js", "/static/wire.js", "/static/page.css"):
        status, _, body = request(served, path, token=False)
        assert status == 200
        assert served.address.token.encode() not in body
    assert request(served, "/api/benches", body={}, token=False)[0] == 401


def test_it_listens_on_this_machine_alone(served):
    assert served.socket.getsockname()[0] == "127.0.0.1"
    with serving() as other:
        assert other.address.token != served.address.token
        assert len(other.address.token) >= 43
        assert (
            request(other, "/api/benches", body={}, headers={"X-Clearprop-Token": served.address.token})[0]
            == 401
        )


def test_an_error_of_the_server_is_one_sentence(served, monkeypatch):
    async def failing(scope, receive, send):
        if scope["type"] == "http":
            raise RuntimeError("a secret")

    with serving(plant=lambda *given: Gate(failing, served.address)(*given)) as other:
        status, _, body = request(other, "/", headers={"Host": served.address.host})
    assert status == 500
    assert b"secret" not in body
    assert "error" in json.loads(body)
