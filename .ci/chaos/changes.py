"""What changes around the gateway, one thing after the other."""

import collections
import random
import signal
import time

from harness import replace
from upstream import Server, Upstream

CHANGES = {"upstream key": 6, "client key": 3, "client keys": 3, "reload": 3, "broken reload": 1, "hangup": 1, "restart": 1}
"""How often each change comes, beside the others."""


class Changes:
    introduce = None
    """Waits until the gateway knows a key."""

    def __init__(self, setting, server, gateway):
        self.setting, self.server, self.gateway = setting, server, gateway
        self.counts, self.outages = collections.Counter(), []
        self.upstream_keys, self.rotated = 1, 0.0

    def run(self):
        """Changes one thing after the other until the end."""
        while not self.setting.ending.wait(random.uniform(0.2, 0.6)):
            change = random.choices(list(CHANGES), CHANGES.values())[0]
            if change == "client key" and time.monotonic() < self.rotated + 5:
                continue  # a client has two live keys, so a second rotation would end the streams of the first key
            self.counts[change] += 1
            getattr(self, change.replace(" ", "_"))()

    def upstream_key(self):
        self.upstream_keys += 1
        key = f"sk-upstream-{self.upstream_keys:08}"
        Upstream.keys.add(key)
        replace(self.setting.folder / "upstream.key", key)
        self.setting.ending.wait(1)
        Upstream.keys = {key}

    def client_key(self):
        self.rotated = time.monotonic()
        token = self.setting.key("rotate", "--client", "worker", "--grace", "1h")
        self.introduce(token)
        self.setting.token = token

    def client_keys(self):
        self.setting.key("issue", "--client", f"other-{self.counts['client keys']}", "--expires", "1h")

    def reload(self):
        self.setting.configure(f"max_requests = {random.randint(500, 900)}")

    def broken_reload(self):
        self.setting.configure("max_requests = none")

    def hangup(self):
        self.gateway.process.send_signal(signal.SIGHUP)

    def restart(self):
        since = time.monotonic()
        self.server.stop()
        self.setting.ending.wait(0.3)
        self.server = Server(self.server.server_address)
        self.outages.append((since, time.monotonic() + 1))
