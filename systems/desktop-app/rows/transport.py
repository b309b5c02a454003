"""TLS, modes, and what a request leaves behind."""

import glob
import http.client
import os
import pathlib
import signal
import ssl
import subprocess
import urllib.parse

from harness import Failure, ask, expect, free_port, installed, replace, until

from .desktop import Desktop, counts


def certificate(run, programs, seconds):
    """The certificate changes under calls. Clients accept the pinned one alone."""
    desktop = Desktop(run, programs, calls="chat", seconds=seconds, app=["--renew-certificate", "1"])
    address = urllib.parse.urlsplit(desktop.url)
    seen = set()

    def look():
        seen.add(ssl.get_server_certificate((address.hostname, address.port)))
        return len(seen) >= 3

    until(look, "third certificate", seconds)
    second = desktop.second("chat", 3)
    result, other = counts(desktop.app), counts(second)
    failed = result["failed"] + other["failed"]
    expect(not failed, f"{len(failed)} calls failed: {failed[:2]}")

    desktop.start()
    foreign = Desktop(run, programs)
    try:
        ask(f"{desktop.url}/healthz", tls=foreign.tls())
        raise Failure("a client accepts a certificate that it has not pinned")
    except ssl.SSLCertVerificationError:
        pass
    replace(desktop.folder / "trust.pem", (foreign.folder / "trust.pem").read_text())
    refused = counts(desktop.second("chat", 1))
    expect(len(refused["failed"]) == refused["calls"], "the app accepts a certificate that it has not pinned")
    foreign.stop()
    desktop.stop()
    return f"{len(seen)} certificates, {result['calls'] + other['calls']} calls, 0 failed; another certificate is refused"


def cleartext(run, programs):
    """Plain http is refused on both sides unless both were asked for it."""
    desktop = Desktop(run, programs)
    plain = desktop.url.replace("https", "http")
    try:
        answer = ask(f"{plain}/healthz", desktop.key())
        raise Failure(f"the server answers plain http with {answer.status}")
    except (OSError, http.client.HTTPException):
        pass
    desktop.stop()
    refused = Desktop(run, programs, "--cleartext", wait=False)
    expect(refused.app.process.wait(20) == 1, "the app uses plain http unasked")
    allowed = Desktop(run, programs, "--cleartext", app=["--allow-cleartext"], calls="chat", seconds=1)
    result = counts(allowed.app)
    expect(not result["failed"] and result["calls"], "plain http fails although both sides allow it")
    return "the server speaks TLS alone; the app refuses a plain server; with both options it works"


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


def redaction(run, programs):
    """No key is in a log, in `ps`, on a command line, or in a panic."""
    desktop = Desktop(run, programs, calls="chat")
    first = desktop.server_environment()["MODEL_SERVER_KEY"]
    marks = [first, desktop.key(), desktop.key("second")]
    marks += [(desktop.folder / name).read_text().split("PRIVATE KEY-----")[1][:60] for name in ("tls.pem", "app.pem")]
    try:
        desktop.ask("/v1/models/broken/load", marks[1], "POST")
    except (OSError, http.client.HTTPException): # a panic closes the connection
        pass
    desktop.app.line("panicked")
    texts = {process.name: process.log() for process in run.processes}
    texts |= {str(path): path.read_text() for path in desktop.folder.glob("audit.jsonl*")}
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            texts[path] = pathlib.Path(path).read_text(errors="replace")
        except OSError: # it has ended meanwhile
            continue
    texts["ps"] = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    for name, text in texts.items():
        for mark in marks:
            expect(mark not in text, f"a secret is in {name}")
    environ = os.stat(f"/proc/{desktop.server_pid()}/environ").st_mode & 0o777
    expect(environ == 0o400, f"the environment has mode {environ:o}")
    for path in desktop.folder.iterdir():
        expect(path.name.endswith((".serial", ".lock")) or path.stat().st_mode & 0o077 == 0, f"others can read {path.name}")
    expect(desktop.folder.stat().st_mode & 0o077 == 0, "others can open the folder")
    panic = desktop.app.log().split("panicked", 1)[1][:2000]
    expect("app" in panic, "the panic does not name the caller")
    desktop.stop()
    return f"{len(marks)} secrets, {len(texts)} texts with a panic among them: none found; the environment has mode 0400"


def ends_together(run, programs):
    """A server whose app is killed ends by itself."""
    desktop = Desktop(run, programs)
    pid = desktop.server_pid()
    desktop.app.process.send_signal(signal.SIGKILL)
    desktop.app.process.wait(10)

    def gone():
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
        except OSError:
            return True

    until(gone, "end of the server")
    return "the app is killed, and the server ends"


def llama(run, programs, seconds):
    """llama.cpp's own server answers, whose key is fixed at its start."""
    names, port, key = installed("chat"), free_port(), "llama-8Zk1tQ0mVd7RyXw3LpHs5NbGc"
    parts = pathlib.Path(__file__).resolve().parents[2] / "chat-front-end/parts"
    command = [names["LLAMA_PYTHON"], parts / "model_server.py", names["LLAMA_MODEL"], port]
    model = run.start("llama", command, env={"MODEL_KEY": key})
    run.wait_for_port(model, port)
    options = ["--backend", f"http://127.0.0.1:{port}", "--rotate-every", "4", "--overlap", "3"]
    desktop = Desktop(run, programs, *options, calls="chat", seconds=seconds, env={"BACKEND_KEY": key})
    answer = desktop.ask("/v1/models", desktop.key("second")).json()
    expect(answer["data"][0].get("owned_by") == "llamacpp", f"another server answers: {answer}")
    expect(ask(f"http://127.0.0.1:{port}/v1/models", desktop.key()).status == 401, "llama.cpp takes a key of ours")
    expect(desktop.ask("/v1/models", key).status == 401, "the server takes llama.cpp's key")
    result = counts(desktop.app)
    expect(not result["failed"], f"{len(result['failed'])} failed: {result['failed'][:2]}")
    model.stop()
    return f"{result['keys']} keys, {result['calls']} calls, {result['streams']} streams; 0 failed"
