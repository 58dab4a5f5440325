"""Requests that mean harm, as lists: paths that climb, other sites' requests, bytes that are no HTTP."""

import itertools
import urllib.parse

import numpy as np

_CLIMBS = ("../", "..\\", "....//", "..;/", ".%00./", "./../")
_ENDS = ("etc/passwd", "pyproject.toml", "server.py", "guard/wire.py", "web/server.py", "proc/self/environ")


def _encodings(path):
    """The path as it is, and in the ways that a careless server undoes after it has looked."""
    quoted = urllib.parse.quote(path, safe="")
    yield path.replace("\\", "%5c")
    yield quoted
    yield urllib.parse.quote(quoted, safe="")
    yield path.replace("/", "%2f").replace("\\", "%5c")
    yield path.replace(".", "%2e").replace("\\", "%5c")
    yield path.replace("..", "%c0%ae%c0%ae").replace("\\", "%c1%9c")
    yield path.replace("..", "%u002e%u002e").replace("\\", "%255c")


def traversals():
    """More than 300 request targets that try to leave `static`, or to reach a file by an id."""
    found = []
    for climb, end in itertools.product(_CLIMBS, _ENDS):
        for path in _encodings(climb * 1 + end):
            found.append(f"/static/{path}")
        for path in list(_encodings(climb * 8 + end))[:3]:
            found.append(f"/static/{path}")
    found += [f"/{each}" for each in _encodings("../../../../etc/passwd")]
    found += [
        f"/static/{each}" for each in ("/etc/passwd", "//etc/passwd", "file:///etc/passwd", "page.js/..")
    ]
    found += [f"/api/benches/{each}" for each in _encodings("../../../etc/passwd")]
    found += [f"/api/benches/x/preview?row={each}" for each in _encodings("../../../etc/passwd")]
    found += ["/static/page.css%00.js", "/static/page.html", "/static/", "/static", "/templates/page.html"]
    found += ["*", "//127.0.0.1/static/../server.py", "http://127.0.0.1/static/../../server.py"]
    return list(dict.fromkeys(found))


def strangers(host, origin):
    """More than 50 requests from elsewhere: headers, and whether the token is known to them."""
    port = host.partition(":")[2]
    hosts = [
        "evil.example", f"evil.example:{port}", "localhost", f"localhost:{port}", "127.0.0.1", f"127.0.0.1.:{port}",
        f"127.0.0.1:{port}.evil.example", f"127.0.0.1.nip.io:{port}", "127.0.0.1:1", f"[::1]:{port}", f"0.0.0.0:{port}",
        f"127.1:{port}", f"2130706433:{port}", f"0x7f.0.0.1:{port}", f"user@{host}", f"{host}/", f"{host},evil.example", "",
        f"127.0.0.1:0{port}", f"１２７.0.0.1:{port}",
    ]  # fmt: skip
    origins = [
        "http://evil.example", "https://evil.example", "null", "", "file://", f"http://localhost:{port}", "http://127.0.0.1",
        f"https://{host}", f"http://{host}.evil.example", f"http://evil.example/{host}", f"{origin}/", f"{origin}.", origin.upper(),
        f"http://user@{host}", f"{origin} http://evil.example", "http://127.0.0.1:1", f"http://[::1]:{port}", "chrome-extension://abc",
    ]  # fmt: skip
    for each in hosts:
        yield {"Host": each, "Origin": origin}, True
    for each in origins:
        yield {"Host": host, "Origin": each}, True
    for site in ("cross-site", "same-site", "none,cross-site", ""):
        yield {"Host": host, "Origin": origin, "Sec-Fetch-Site": site}, True
    yield {"Host": host}, True  # a request that does something and names no origin
    for token in (None, "", "x", "null", "undefined", "0", "Bearer"):
        yield (
            {"Host": host, "Origin": origin} | ({} if token is None else {"X-Clearprop-Token": token}),
            False,
        )
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "text/json",
    ):
        yield {"Host": host, "Origin": origin, "Content-Type": kind}, True


def malformed(host, token, count):
    """So many requests that are broken somewhere: by hand, cut, with bits turned, and noise."""
    good = (
        f"POST /api/benches HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nX-Clearprop-Token: {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[}"
    ).encode()
    head = f"Host: {host}\r\nOrigin: http://{host}\r\nX-Clearprop-Token: {token}\r\nConnection: close\r\n"
    posts = f"POST /api/benches HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
    by_hand = [
        "", "\r\n", "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/0.9\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        f"GET /{'a' * 70000} HTTP/1.1\r\n{head}\r\n", f"GET / HTTP/1.1\r\n{head}X: {'a' * 70000}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{head}" + "X: a\r\n" * 9000 + "\r\n", f"GET / HTTP/1.1\r\n{head}Bad Header: 1\r\n\r\n",
        f"GET / HTTP/1.1\r\n{head}X: \0\r\n\r\n", f"GET / HTTP/1.1\r\n{head} folded\r\n\r\n", f"GET /\x7f HTTP/1.1\r\n{head}\r\n",
        f"{posts}Content-Length: -1\r\n\r\n{{}}", f"{posts}Content-Length: 1e9\r\n\r\n{{}}", f"{posts}Content-Length: 2, 3\r\n\r\n{{}}",
        f"{posts}Content-Length: 99999999999999999999999\r\n\r\n{{}}", f"{posts}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
        f"{posts}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", f"{posts}Transfer-Encoding: gzip\r\n\r\n{{}}",
        f"{posts}Transfer-Encoding: chunked\r\n\r\nZZ\r\n{{}}\r\n0\r\n\r\n", f"{posts}Transfer-Encoding: chunked\r\n\r\n-2\r\n{{}}\r\n",
        f"{posts}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{{}}", f"{posts}Content-Length: 50\r\n\r\n{{}}",
        f"{posts}Content-Length: 4\r\n\r\nnull", f"{posts}Content-Length: 3\r\n\r\nNaN", f"{posts}Content-Length: 2\r\n\r\n\xff\xfe",
        f"{posts}Content-Length: 60000\r\n\r\n" + "[" * 60000, f"{posts}Content-Length: 20000\r\n\r\n" + '{"a":' * 4000,
        f"GET / HTTP/1.1\r\n{head}Host: {host}\r\n\r\n", f"GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil\r\n\r\n",
        f"GET / HTTP/1.1\r\n{head}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n\r\n",
        f"CONNECT evil.example:443 HTTP/1.1\r\n{head}\r\n", f"TRACE / HTTP/1.1\r\n{head}\r\n", f"OPTIONS * HTTP/1.1\r\n{head}\r\n",
        f"DELETE /api/benches HTTP/1.1\r\n{head}\r\n", f"G\xcbT / HTTP/1.1\r\n{head}\r\n", f"GET % HTTP/1.1\r\n{head}\r\n",
    ]  # fmt: skip
    yield from (text.encode("latin-1") for text in by_hand)
    generator = np.random.default_rng(0)
    for k in range(count - len(by_hand)):
        data = bytearray(good)
        match k % 4:
            case 0:
                data = data[: generator.integers(1, len(data))]
            case 1:
                for place in generator.integers(0, len(data), generator.integers(1, 6)):
                    data[place] ^= 1 << generator.integers(0, 8)
            case 2:
                place = generator.integers(0, len(data))
                data[place:place] = generator.bytes(generator.integers(1, 40))
            case 3:
                data = bytearray(generator.bytes(generator.integers(1, 300))) + b"\r\n\r\n"
        yield bytes(data)
