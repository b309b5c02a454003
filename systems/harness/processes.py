"""Programs that run, each of which is stopped by its id."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

from .expectations import Failure, expect, until


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


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
