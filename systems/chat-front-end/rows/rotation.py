"""Rotations under load, and an early revocation."""

import json
import os
import signal
import subprocess
import threading
import time

from harness import expect, until

from .system import PARTS


class Curl(threading.Thread):
    """Calls the gateway with curl, one process for each call. The key is in a file, not on a command line."""

    def __init__(self, system):
        super().__init__()
        self.url, self.stopped = system.url, threading.Event()
        self.headers = system.run.folder / "curl-headers"
        self.headers.touch(0o600)
        self.headers.write_text(f"Authorization: Bearer {system.key}\n")
        self.counts = {"calls": 0, "streams": [], "failed": []}

    def run(self):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"@{self.headers}", f"{self.url}/v1/models"]
        while not self.stopped.wait(0.02):
            status = subprocess.run(command, capture_output=True, text=True).stdout
            self.counts["calls"] += 1
            if status != "200":
                self.counts["failed"].append(f"curl: {status}")


def load(system, during):
    """Runs all clients while `during` runs, and returns the counts of each."""
    env = {
        "OPENAI_BASE_URL": f"{system.url}/v1",
        "OPENAI_API_KEY": system.key,
        "NODE_MODULES": system.names["NODE_MODULES"],
    }
    number = len(system.run.processes)
    clients = {
        "openai (Python)": system.run.start(f"python-{number}", [system.names["OPENAI_PYTHON"], PARTS / "load.py"], env=env),
        "openai (Node)": system.run.start(f"node-{number}", ["node", PARTS / "load.mjs"], env=env),
    }
    for client in clients.values():
        client.line("^ready$")  # a client that has just started cannot be stopped in order
    curl = Curl(system)
    curl.start()
    try:
        during()
    finally:
        curl.stopped.set()
        curl.join()
        for client in clients.values():
            client.stop(seconds=60)
    counts = {name: json.loads(client.log().splitlines()[-1]) for name, client in clients.items()}
    return counts | {"curl": curl.counts}


def judge(counts):
    """Fails if any call failed; returns the number of calls, and all streams."""
    for name, count in counts.items():
        expect(count["calls"] > 10, f"{name} made only {count['calls']} calls")
        expect(not count["failed"], f"{name}: {len(count['failed'])} of {count['calls']} failed: {count['failed'][:3]}")
    streams = [tuple(stream) for count in counts.values() for stream in count["streams"]]
    return sum(count["calls"] for count in counts.values()), streams


def spans(streams, changes):
    """Returns how many streams were open while the token changed."""
    return sum(any(start < change["at"] < end for change in changes) for start, end in streams)


def rotations(system, number):
    """Rotations on the issuer's schedule: no call fails, and the upstream sees no token that has expired."""
    seen, before = len(system.upstream_log()), len(system.changes("issued"))
    pid = system.gateway.pid
    wait = system.lifetime * number + 10
    counts = load(system, lambda: until(
        lambda: len(system.changes("issued")) >= before + number and len(system.changes("expired")) >= number - 1,
        "rotations", wait,
    ))
    calls, streams = judge(counts)
    requests = system.upstream_log()[seen:]
    refused = [request for request in requests if request["status"] == 401]
    expect(not refused, f"the upstream saw {len(refused)} requests with a token that it does not take")
    expect(system.gateway.alive() and system.gateway.pid == pid, "the gateway was restarted")
    changes = system.changes("issued")[before:]
    across = spans(streams, changes)
    expect(across > 0, "no stream was open during a rotation")
    each = ", ".join(f"{name} {count['calls']}" for name, count in counts.items())
    used = len({request["token"] for request in requests})
    return (
        f"{len(changes)} rotations, {calls} calls ({each}), {len(streams)} streams of which {across} across a "
        f"rotation, {used} tokens used; 0 failed, 0 expired tokens at the upstream"
    )


def revocation(system):
    """The token is revoked before its time: requests are sent again with the next one."""
    seen, before = len(system.upstream_log()), len(system.changes("revoked"))

    def revoke():
        for number in range(1, 4):
            time.sleep(1)
            os.kill(system.sidecar.pid, signal.SIGUSR1)
            until(lambda number=number: len(system.changes("revoked")) >= before + number, "revocation")
        time.sleep(1)

    calls, _ = judge(load(system, revoke))

    def statuses():
        return [request["status"] for request in system.upstream_log()[seen:]]

    dropped = next(line for line in system.admin("show info").splitlines() if line.startswith("DroppedLogs:"))
    expect(dropped == "DroppedLogs: 0", f"the upstream's log is not complete: {dropped}")
    # HAProxy logs a request once it has ended, which may be after the client has its answer.
    until(lambda: len(statuses()) - statuses().count(401) >= calls, "the upstream's log of all calls")
    refused = statuses().count(401)
    accepted = len(statuses()) - refused
    expect(refused > 0, "no request met a revoked token, so this shows nothing")
    expect(accepted == calls, f"{calls} calls became {accepted} accepted requests")
    return f"3 early revocations, {calls} calls; the upstream refused {refused} requests, each sent again once; 0 failed"
