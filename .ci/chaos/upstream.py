"""The upstream: it answers requests, streams, takes uploads or refuses them, and echoes WebSocket messages."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import websocket

PARTS = 10
"""Events of a stream."""


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    keys = {"sk-upstream-00000001"}

    def log_message(self, *_):
        pass

    def has_key(self):
        return self.headers.get("authorization", "").removeprefix("Bearer ") in Upstream.keys

    def handle_expect_100(self):
        if not self.has_key():
            self.answer(401, b"{}", close=True)
            return False
        return super().handle_expect_100()

    def do_GET(self):
        if self.headers.get("upgrade") and self.has_key():
            return self.echo()
        self.serve(b"")

    def do_POST(self):
        if self.path.endswith("/too-large"):  # refused at its head, as by a server with a limit
            return self.answer(413 if self.has_key() else 401, b"{}", close=True)
        length = self.headers.get("content-length")
        if length is not None:
            return self.serve(self.rfile.read(int(length)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.serve(body)

    def serve(self, body):
        if not self.has_key():
            return self.answer(401, b"{}")
        if self.path.endswith("/stream"):
            return self.stream()
        self.answer(200, json.dumps({"path": self.path, "length": len(body)}).encode())

    def stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for n in range(PARTS):
            part = f"data: {n}\n\n".encode()
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()
            time.sleep(0.1)
        self.wfile.write(b"0\r\n\r\n")

    def echo(self):
        websocket.accept(self)
        while (text := websocket.receive(self.rfile)) is not None:
            websocket.send(self.wfile, text)

    def answer(self, status, body, close=False):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if close:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Serves until it stops with all of its connections, as a process that is killed."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address):
        self.open = set()
        super().__init__(address, Upstream)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def process_request(self, request, address):
        self.open.add(request)
        super().process_request(request, address)

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_):
        pass

    def stop(self):
        self.shutdown()
        self.server_close()
        for request in list(self.open):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
