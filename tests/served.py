"""A page served for a test, on a free port, in a thread of this process."""

import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request

from clearprop.web.server import Served


@contextlib.contextmanager
def serving(*, plant=None, **options):
    """The page, served until the block ends; or a planted application, without a guard."""
    served = Served(0, **options)
    if plant is not None:
        served.server.config.app = plant
        served.server.config.lifespan = "off"
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    while not served.server.started and thread.is_alive():
        time.sleep(0.005)
    try:
        yield served
    finally:
        served.stop()
        thread.join(20)
        assert not thread.is_alive()


def raw(served, data, *, seconds=5.0, shut=True):
    """What the server answers to these bytes, until it closes or says no more."""
    with socket.create_connection(("127.0.0.1", served.address.port), timeout=seconds) as wire:
        with contextlib.suppress(OSError):
            wire.sendall(data)
            if shut:
                wire.shutdown(socket.SHUT_WR)
        found = b""
        with contextlib.suppress(OSError):
            while piece := wire.recv(65536):
                found += piece
    return found


def request(
    served, path, *, method="GET", body=None, kind="application/json", headers=None, token=True, origin=True
):
    """Status, headers and body of an answer; a dict given as body is sent as JSON, as the page does."""
    given = {"X-Clearprop-Token": served.address.token} if token else {}
    if body is not None:
        method, body = "POST", body if isinstance(body, bytes) else json.dumps(body).encode()
        given["Content-Type"] = kind
    if origin and method != "GET":
        given["Origin"] = served.address.origin
    asked = urllib.request.Request(
        served.address.origin + path, data=body, headers={**given, **(headers or {})}, method=method
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), answer.read()


def still(served, path):
    """The state of a bench once its run stands still."""
    while (state := asked(served, path))["status"] in ("preparing", "running"):
        time.sleep(0.005)
    return state


def asked(served, path, **given):
    """The answer of a request that goes well: plain data, or text."""
    status, headers, body = request(served, path, **given)
    assert status == 200, (path, status, body)
    return json.loads(body) if "json" in headers["content-type"] else body.decode()
