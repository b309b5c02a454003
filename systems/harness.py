"""Starts the processes of a system, asks them over sockets, and stops each one by its id."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))


class Failure(Exception):
    """A promise of the system that did not hold."""


def expect(condition, message):
    """Raises `Failure` with the message unless the condition holds."""
    if not condition:
        raise Failure(message)


def until(condition, what, seconds=15):
    """Waits until the condition returns something true, and returns that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise Failure(f"no {what} within {seconds} s")


def installed(*parts):
    """Installs parts of systems/install, and returns the variables that name them."""
    output = subprocess.run(
        [REPOSITORY / "systems/install", *parts], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    words = (word for line in output.splitlines() for word in shlex.split(line)[1:])
    return dict(word.split("=", 1) for word in words)


def built(package, *names):
    """Builds a package, and returns the paths of its programs."""
    folder = os.environ.get("SYSTEMS_PROGRAMS") # a folder of programs that are built already
    if folder is None:
        subprocess.run(["cargo", "build", "-q", "-p", package], check=True, cwd=REPOSITORY)
        folder = TARGET / "debug"
    return [pathlib.Path(folder).resolve() / name for name in names]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Answer:
    """A response: status, headers in lower case, and body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def ask(url, key=None, method="GET", headers=(), body=None, tls=None, timeout=30):
    """Sends a request that follows no redirect and is never sent again."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, context=tls or ssl.create_default_context(), timeout=timeout
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    with contextlib.closing(connection):
        headers = dict(headers)
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if isinstance(body, dict):
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())


class Process:
    """A program that runs, and the file that its output goes to."""

    def __init__(self, name, command, folder, env=None, stdin=None, inherit=True):
        self.name = name
        self.path = folder / f"{name}.log"
        base = dict(os.environ) if inherit else {"PATH": os.environ["PATH"]}
        base.update(env or {})
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], env=base, stdout=log, stderr=log,
                stdin=stdin or subprocess.DEVNULL, cwd=folder, start_new_session=True,
            )

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.path.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def line(self, pattern, seconds=30):
        """Waits for a line that matches, and returns the match."""

        def found():
            match = re.search(pattern, self.log(), re.MULTILINE)
            if not match and not self.alive():
                raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.log()[-2000:]}")
            return match

        return until(found, f"line {pattern!r} of {self.name}", seconds)

    def stop(self, number=signal.SIGTERM, seconds=30):
        """Stops the program and returns its exit code."""
        if self.alive():
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.name} did not stop within {seconds} s") from None


class Run:
    """A folder of its own, and everything that was started in it."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="sys")
        self.folder = pathlib.Path(self.temporary.name)
        self.processes = []
        return self

    def start(self, name, command, **options):
        process = Process(name, command, self.folder, **options)
        self.processes.append(process)
        return process

    def wait_for_port(self, process, port, seconds=60):
        def open_port():
            expect(process.alive(), f"{process.name} ended:\n{process.log()[-2000:]}")
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        until(open_port, f"port of {process.name}", seconds)

    def __exit__(self, kind, *_):
        for process in reversed(self.processes):
            with contextlib.suppress(Failure):
                process.stop(seconds=10)
        if kind is not None and os.environ.get("SYSTEMS_KEEP_LOGS"):
            for process in self.processes:
                print(f"--- {process.name}\n{process.log()[-3000:]}", file=sys.stderr)
        self.temporary.cleanup()


def replace(path, content, mode=0o600):
    """Replaces a file in one step, as a careful writer does."""
    path = pathlib.Path(path)
    new = path.with_name(f".{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(new, mode)
    os.rename(new, path)


def report(rows, chosen, together=()):
    """Runs the chosen rows, prints a line for each, and returns the exit code. Those in `together` run at once."""
    unknown = set(chosen) - set(rows)
    if unknown:
        print(f"no such row: {', '.join(unknown)}; the rows are {', '.join(rows)}")
        return 2
    chosen = [name for name in rows if not chosen or name in chosen]
    results = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = {}
        for name in chosen:
            if name in together and not running:
                running = {other: pool.submit(judge, rows[other]) for other in chosen if other in together}
            holds, line = running[name].result() if name in running else judge(rows[name])
            results.append(holds)
            print(f"{name:<15} {line}", flush=True)
    failed = results.count(False)
    print("all rows hold" if failed == 0 else f"{failed} of {len(results)} rows failed", flush=True)
    return 0 if failed == 0 else 1


def judge(row):
    """Runs a row, and returns whether it holds and the line to print."""
    start = time.monotonic()
    try:
        holds, line = True, row()
    except (Failure, OSError, subprocess.CalledProcessError) as failure:
        holds, line = False, f"FAILED: {failure}"
    return holds, f"{line} ({time.monotonic() - start:.1f} s)"
