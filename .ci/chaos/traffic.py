"""What clients do meanwhile, and what became of each of their requests."""

import contextlib
import http.client
import json
import random
import threading
import time

from harness import websocket
from upstream import PARTS

REQUESTS = {"request": 10, "stream": 4, "upload": 4, "large upload": 1, "refused upload": 2, "upload too large": 1}
"""How often each kind comes, beside the others."""
SIZES = {"upload": 50_000, "large upload": 3_000_000, "refused upload": 500_000, "upload too large": 3_000_000}
STATUSES = {"refused upload": 401, "upload too large": 413}
WRONG = "trk_wrong"
RIGHT = "right"


class Traffic:
    def __init__(self, setting, changes):
        self.setting, self.changes = setting, changes
        self.lock, self.results, self.lived_through = threading.Lock(), [], []
        self.slowest = 0.0

    def note(self, kind, since, outcome):
        with self.lock:
            self.results.append((kind, since, time.monotonic(), outcome))

    def requests(self, number):
        """Sends one request after the other on a connection that stays open."""
        connection = None
        while not self.setting.ending.is_set():
            kind = random.choices(list(REQUESTS), REQUESTS.values())[0]
            since = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.setting.port, timeout=60)
                outcome, is_open = self.request(connection, kind, number)
                if outcome.startswith("502"):
                    time.sleep(0.1)  # as a client that retries
            except (OSError, http.client.HTTPException) as error:
                outcome, is_open = f"{type(error).__name__} {error}", False
            if not is_open:
                connection.close()
                connection = None
            self.note(kind, since, outcome)

    def request(self, connection, kind, number):
        body = b"a" * SIZES[kind] if kind in SIZES else None
        path = {"stream": "/v1/stream", "upload too large": "/v1/too-large"}.get(kind, f"/v1/{number}")
        token = WRONG if kind == "refused upload" else self.setting.token
        connection.request("POST" if body else "GET", path, body, {"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != STATUSES.get(kind, 200):
            is_right = False
        elif kind == "refused upload":
            is_right = json.loads(text)["error"]["code"] == "invalid_api_key"
        elif kind == "stream":
            is_right = text.count(b"data: ") == PARTS
        else:
            is_right = kind == "upload too large" or json.loads(text) == {"path": path, "length": len(body or b"")}
        return RIGHT if is_right else f"{answer.status} {text[:200]!r}", answer.getheader("connection") != "close"

    def websockets(self, number):
        """Opens one WebSocket after the other with a key of its own, which is revoked while the connection is in use."""
        opened = 0
        while not self.setting.ending.is_set():
            opened += 1
            client = f"socket-{number}-{opened}"
            token = self.setting.key("issue", "--client", client)
            self.introduce(token)
            since = time.monotonic()
            try:
                outcome = self.websocket(client, token)
            except (OSError, ValueError) as error:
                outcome = f"{type(error).__name__} {error}"
            self.note("websocket", since, outcome)

    def introduce(self, token):
        """Asks with a new key until the gateway has read it."""
        issued = since = time.monotonic()
        while not (outcome := self.is_known(token)) and time.monotonic() < issued + 10:
            self.note("new key", since, RIGHT)
            since = time.monotonic()
        self.note("new key", since, outcome or "the key is still unknown")
        with self.lock:
            self.slowest = max(self.slowest, time.monotonic() - issued)

    def is_known(self, token):
        """Asks with a new key. Returns nothing if the gateway does not know the key yet."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.setting.port, timeout=60)) as connection:
            try:
                connection.request("GET", "/v1/new-key", headers={"authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                return f"{type(error).__name__} {error}"
        return {200: RIGHT, 401: None}.get(answer.status, f"{answer.status} {text[:200]!r}")

    def websocket(self, client, token):
        status, file = websocket.connect(self.setting.port, "/v1/socket", {"authorization": f"Bearer {token}"})
        with contextlib.closing(file):
            if status != 101:
                return f"{status} instead of a WebSocket"
            before = self.changes.counts.copy()
            for n in range(random.randint(10, 120)):
                websocket.send(file, str(n), mask=b"mask")
                if (text := websocket.receive(file)) != str(n):
                    return f"ended early, after {n} messages: {text}"
                time.sleep(0.1)
            with self.lock:
                self.lived_through.append(self.changes.counts - before)
            self.setting.key("revoke", "--client", client)
            revoked = time.monotonic()
            with contextlib.suppress(ConnectionError):
                websocket.receive(file)  # fails after 30 s of silence
            took = time.monotonic() - revoked
            return RIGHT if took < 3 else f"ended {took:.1f} s after its key"


def is_explained(since, ended, outcome, outages):
    """Whether a request that failed overlapped a restart of the upstream, and says so."""
    told = ("502 ", "IncompleteRead", "Connection", "BrokenPipe", "RemoteDisconnected", "ended early")
    return outcome.startswith(told) and any(since < until and ended > start for start, until in outages)
