"""An API for models, and an MCP server, whose key rotates."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import websocket

FILE = {"id": "f", "object": "file", "created_at": 1, "filename": "a", "purpose": "user_data", "status": "processed"}
MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}
ERRORS = {"bad": 400, "missing": 404, "limited": 429, "broken": 500}
"""Statuses of models that are errors."""
TOOLS = {
    "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
    "tools/list": {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]},
    "tools/call": {"content": [{"type": "text", "text": "done"}]},
}


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def is_let_in(self, call):
        key = self.headers.get("authorization", "").removeprefix("Bearer ")
        is_valid = self.server.rotation.accepts(key, call)
        if not is_valid:
            self.answer(401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, www_authenticate="Bearer")
        return is_valid

    def handle_expect_100(self):
        """Judges the key before the upload, as HAProxy and Envoy do."""
        self.is_judged = self.is_let_in(self.path.rpartition("/")[2])
        self.close_connection = not self.is_judged
        return self.is_judged and super().handle_expect_100()

    def answer(self, status, body, **headers):
        body = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        call = self.path.partition("?")[0].rpartition("/")[2]
        if not self.is_let_in(call):
            return
        if call == "realtime":
            return self.realtime()
        if call == "models":
            return self.answer(200, MODELS)
        self.answer(405 if call == "mcp" else 404, {"error": {"message": "no such path", "type": "invalid_request_error"}})

    def do_DELETE(self):
        if self.is_let_in("delete"):
            self.answer(200, {})

    def do_POST(self):
        self.is_judged = getattr(self, "is_judged", False)
        body = self.body()
        if self.path.endswith("/files"):
            if self.is_judged or self.is_let_in("files"):
                self.answer(200, {**FILE, "bytes": len(body)})
            self.is_judged = False
            return
        asked = json.loads(body)
        if "/mcp" in self.path:
            if self.is_let_in(asked["method"]):
                self.mcp(asked)
        elif self.is_let_in("stream" if asked.get("stream") else "chat"):
            self.chat(asked)

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def chat(self, asked):
        if status := ERRORS.get(asked["model"]):
            return self.answer(status, {"error": {"message": "no", "type": "invalid_request_error", "code": asked["model"]}})
        common = {"id": "c", "created": 1, "model": "m"}
        if not asked.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            return self.answer(200, {**common, "object": "chat.completion", "choices": [choice], "usage": usage})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for n in range(20):
            delta = {"index": 0, "delta": {"role": "assistant", "content": f"{n} "}, "finish_reason": "stop" if n == 19 else None}
            self.chunk(f"data: {json.dumps({**common, 'object': 'chat.completion.chunk', 'choices': [delta]})}\n\n")
            time.sleep(0.05)
        self.chunk("data: [DONE]\n\n")
        self.chunk("")

    def chunk(self, text):
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
        self.wfile.flush()

    def mcp(self, asked):
        if "id" not in asked:
            return self.answer(202, None)
        self.answer(200, {"jsonrpc": "2.0", "id": asked["id"], "result": TOOLS.get(asked["method"], {})})

    def realtime(self):
        """Answers each event with one that has its type, and says which subprotocols arrived."""
        offered = self.headers.get("sec-websocket-protocol", "")
        session = {"type": "realtime", "id": offered}
        websocket.accept(self, "realtime" if "realtime" in offered else None)
        websocket.send(self.wfile, json.dumps({"type": "session.created", "event_id": "e", "session": session}))
        while (text := websocket.receive(self.rfile)) is not None:
            event = {"type": "session.updated", "event_id": json.loads(text)["type"], "session": session}
            websocket.send(self.wfile, json.dumps(event))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, rotation):
        super().__init__(("127.0.0.1", 0), Upstream)
        self.rotation = rotation
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # a client that left
