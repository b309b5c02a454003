"""The three modes, and web pages of other sites."""

import os
import subprocess

from harness import expect

from .desktop import Desktop


def modes(run, programs):
    """What each mode lets through, and what each refuses."""
    rows = []
    production = Desktop(run, programs)
    for path in ("/healthz", "/v1/models"):
        expect(production.ask(path).status == 401, f"production: {path} without a key")
        expect(production.ask(path, production.key()).status == 200, f"production: {path} with a key")
    production.stop()
    environment = dict(os.environ, MODEL_SERVER_KEY="")
    for options in (["--mode", "production"], ["--mode", "mixed"], ["--mode", "production", "--listen", "0.0.0.0:0"]):
        code = start(programs, production.folder, options, environment)
        expect(code == 1, f"starts without a key: {' '.join(options)}")
    rows.append("production: all routes need a key, and no start without one")

    mixed = Desktop(run, programs, "--mode", "mixed")
    for path in ("/healthz", "/v1/models"):
        expect(mixed.ask(path).status == 200, f"mixed: {path} without a key")
        expect(mixed.ask(f"{path}/").status != 200, f"mixed: {path}/ without a key")
    expect(mixed.chat(None).status == 401, "mixed: a chat without a key")
    mixed.stop()
    rows.append("mixed: /healthz and /v1/models alone are public")

    development = Desktop(run, programs, "--mode", "development")
    expect(development.chat(None).status == 200, "development: a chat without a key")
    for headers in (
        {"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    ):
        status = development.ask("/v1/models", headers=headers).status
        expect(status == 403, f"development: {headers}: {status}")
    development.stop()
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
        code = start(programs, production.folder, ["--mode", "development", "--listen", address], os.environ)
        expect(code == 1, f"development on {address}")
    rows.append("development: open for this machine's programs, closed to web pages, and no start on a public address")
    return "; ".join(rows)


def start(programs, folder, options, environment):
    """Starts the server by itself, and returns its exit code."""
    command = [programs[1], "--runtime", folder, *options]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=20).returncode


def origins(run, programs):
    """No answer names an origin, whatever the request says."""
    answers = []
    for mode in ("production", "mixed", "development"):
        desktop = Desktop(run, programs, "--mode", mode)
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        for method in ("GET", "OPTIONS", "POST"):
            key = None if mode == "development" else desktop.key()
            answers.append(desktop.ask("/v1/models", key, method, headers))
        expect(answers[-2].status in (401, 403, 405), f"{mode}: a preflight got {answers[-2].status}")
        desktop.stop()
    for answer in answers:
        found = [name for name in answer.headers if name.startswith("access-control-")]
        expect(not found, f"an answer has {found}")
    return f"{len(answers)} requests of a foreign page in three modes: no answer has an Access-Control header"
