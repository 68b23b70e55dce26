"""One client of the board's own HTTP, from its request to the end of the answer.

Generators, because each step has to leave little garbage and none may wait. An answer is a tuple
of status, media type and texts; it goes out in chunks, so that one that breaks off is seen to be
incomplete.
"""

import errno
import json

from micropython import const

from node import drop
from node.link.client import header

# With a browser's headers; a charge order is 300 bytes.
_REQUEST_BYTES = const(1024)
# A chunk's length stands before it, in three hex digits. The largest text is 900 bytes. Smaller
# chunks could fill lwIP's queue of pieces before its 2920 bytes, and then `send` waits, although
# the socket does not block (lwip_tcp_send in modlwip.c).
_CHUNK_AT = const(5)
_CHUNK_FULL = const(600)


def visit(server, app, socket):
    """Serves one client, a step at each turn. Raises OSError when it leaves or breaks off."""
    buffer = server.buffer
    view = memoryview(buffer)
    steps = None
    at = 0
    while not steps:
        yield
        count = socket.readinto(view[at:_REQUEST_BYTES])
        if count == 0:
            raise OSError(errno.ECONNRESET)
        at += count or 0
        steps = _request(server, app, view[:at], buffer.find(b"\r\n\r\n", 0, at) + 4)
    for answer in steps:
        if answer:
            break
        yield
    status, media_type, texts = answer
    server.responses[status] = server.responses.get(status, 0) + 1
    head = (
        "HTTP/1.1 %d \r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n"
    ) % (status, media_type)
    end = len(head)
    buffer[:end] = head.encode()
    yield from _send(socket, view[:end])
    texts = iter(texts)
    is_last = False
    while not is_last:
        end, is_last = _fill(buffer, texts)
        yield from _send(socket, view[:end])
        yield


def _request(server, app, got, body_at):
    """Steps whose last is an answer; None while more of the request has to come."""
    if body_at < 4:
        return _more(got)
    lines = bytes(got[:body_at]).split(b"\r\n")
    words = lines[0].split(b" ")
    path = words[1] if len(words) == 3 else b""
    length = header(lines, b"content-length")
    end = body_at + (int(length) if length.isdigit() else 0)
    if path not in (b"/health", b"/metrics", b"/charge"):
        return (problem(404, "not-found", "there are /health, /metrics and /charge"),)
    if words[0] != (b"POST" if path == b"/charge" else b"GET"):
        detail = "GET /health, GET /metrics, POST /charge"
        return (problem(405, "method-not-allowed", detail),)
    if path != b"/charge":
        return _page(server, app, path)
    if end == body_at:
        return (problem(411, "length-required", "Content-Length is missing"),)
    if len(got) < end:
        return _more(got)
    return _order(server, app, got[body_at:end], header(lines, b"headroom-signature"))


def _more(got):
    if len(got) == _REQUEST_BYTES:
        detail = "at most %d bytes with headers" % _REQUEST_BYTES
        return (problem(413, "too-large", detail),)
    return None


def _page(server, app, path):
    yield
    from node.link import pages

    drop(pages)
    yield
    yield pages.health(app) if path == b"/health" else pages.metrics(server, app)


def _order(server, app, body, claim):
    yield
    from node.link import charge

    drop(charge)
    yield
    yield from charge.obey(server, app, problem, body, claim)


def problem(status, kind, detail, **more):
    """An answer in the form of RFC 9457."""
    more["type"] = "https://headroom.invalid/problems/" + kind
    more["status"] = status
    more["detail"] = detail
    return status, "application/problem+json", (json.dumps(more),)


def _send(socket, data):
    at = 0
    while at < len(data):
        if at:
            yield
        try:
            at += socket.send(data[at:])
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            yield


def _fill(buffer, texts):
    """A chunk of as many texts as a step can make: (where it ends, whether it is the last)."""
    end = _CHUNK_AT
    is_last = True
    for text in texts:
        data = text.encode()
        buffer[end : end + len(data)] = data
        end += len(data)
        if end > _CHUNK_FULL:
            is_last = False
            break
    buffer[:_CHUNK_AT] = b"%03x\r\n" % (end - _CHUNK_AT)
    tail = b"\r\n0\r\n\r\n" if is_last and end > _CHUNK_AT else b"\r\n"
    buffer[end : end + len(tail)] = tail
    return end + len(tail), is_last
