"""The app and its server, started anew for each row."""

import json
import pathlib
import secrets
import ssl

from harness import ask, built

CLIENTS = "second=chat:write,models:read"


class Desktop:
    """An app that has spawned its server, in a folder of its own."""

    number = 0

    def __init__(self, run, programs, *server, calls="idle", seconds=600, app=(), env=None, name="app", wait=True):
        Desktop.number += 1
        self.run, self.programs, self.name = run, programs, name
        self.folder = run.folder / f"desktop-{Desktop.number}"
        self.start(*server, calls=calls, seconds=seconds, app=app, env=env, wait=wait)

    def start(self, *server, calls="idle", seconds=600, app=(), env=None, wait=True):
        app_program, server_program = self.programs
        self.app = self.run.start(f"{self.folder.name}-{self.name}-{secrets.token_hex(2)}", [
            app_program, "--runtime", self.folder, "--name", self.name, "--server", server_program, "--calls", calls,
            "--seconds", seconds, *app, "--", "--client", CLIENTS, *server,
        ], env=env)
        if wait:
            self.url = self.app.line(r"^listening on (\S+)")[1]

    def second(self, calls="chat", seconds=600, *options):
        """Starts another instance, which uses the same server."""
        return self.run.start(f"{self.folder.name}-second", [
            self.programs[0], "--runtime", self.folder, "--name", "second", "--calls", calls, "--seconds", seconds, *options,
        ])

    def key(self, name="app"):
        return (self.folder / f"{name}.key").read_text().strip()

    def server_pid(self):
        children = pathlib.Path(f"/proc/{self.app.pid}/task/{self.app.pid}/children").read_text().split()
        # A runtime starts children from any of its threads.
        for task in pathlib.Path(f"/proc/{self.app.pid}/task").iterdir():
            children += (task / "children").read_text().split()
        return int(children[0])

    def server_environment(self):
        content = pathlib.Path(f"/proc/{self.server_pid()}/environ").read_bytes().split(b"\0")
        return dict(pair.decode().split("=", 1) for pair in content if b"=" in pair)

    def tls(self, certificate=None):
        """Trusts the pinned certificate alone, and shows one of the folder if asked to."""
        context = ssl.create_default_context(cafile=self.folder / "trust.pem")
        if certificate:
            context.load_cert_chain(self.folder / certificate)
        return context

    def ask(self, path, key=None, method="GET", headers=(), body=None, certificate="app.pem"):
        """Sends a request as the app does, which shows its certificate on each connection."""
        tls = self.tls(certificate) if self.url.startswith("https") else None
        return ask(f"{self.url}{path}", key, method, headers, body, tls)

    def chat(self, key, certificate="app.pem"):
        body = {"model": "tiny", "messages": []}
        return self.ask("/v1/chat/completions", key, "POST", body=body, certificate=certificate)

    def trace(self):
        """Returns the lines of the server's log, which are in JSON."""
        lines = (line for line in self.app.log().splitlines() if line.startswith('{"timestamp"'))
        return [json.loads(line) for line in lines]

    def audit(self):
        """Returns the lines of the audit."""
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]

    def stop(self):
        self.app.process.terminate()
        self.app.process.wait(10)


def counts(process, patience=150):
    """Waits until an instance has ended, which takes it a minute with `--full`, and returns its counts."""
    process.process.wait(patience)
    lines = [line for line in process.log().splitlines() if line.startswith('{"across"')]
    return json.loads(lines[-1])


def programs():
    return built("desktop-app", "desktop-app", "model-server")
