"""What is refused, and what nobody gets to see."""

import glob
import http.client
import pathlib
import subprocess
import time
import urllib.parse

from harness import ask, expect, until


def refused(system):
    """Sends each request that the README says is refused."""
    short = system.issue("short", "--expires", "1s")
    leaked = system.issue("leaked")
    until(lambda: status_of(system, leaked) == 200, "effect of the new key")
    revoke = [system.program, "key", "revoke", "--file", system.client_keys, "--token", "-"]
    subprocess.run(revoke, input=leaked, text=True, check=True, capture_output=True)
    until(lambda: status_of(system, leaked) == 401, "refusal of the revoked key")
    until(lambda: status_of(system, short) == 401, "refusal of the expired key")
    url = f"{system.url}/v1/models"
    token = system.token_file.read_text()
    requests = {
        "no key": (url, {}, 401),
        "an unknown key": (url, {"Authorization": "Bearer trk_nobody"}, 401),
        "an empty key": (url, {"Authorization": "Bearer "}, 401),
        "another scheme": (url, {"Authorization": f"Basic {system.key}"}, 401),
        "an expired key": (url, {"Authorization": f"Bearer {short}"}, 401),
        "a revoked key": (url, {"Authorization": f"Bearer {leaked}"}, 401),
        "a key in the URL": (f"{url}?api_key={system.key}", {}, 401),
        "the upstream's token": (url, {"Authorization": f"Bearer {token}"}, 401),
        "a client's key at the upstream": (f"{system.upstream}/v1/models", {"Authorization": f"Bearer {system.key}"}, 401),
        "another host in the request line": (f"{system.url}/v1/models", {"Host": "a b", "Authorization": f"Bearer {system.key}"}, 400),
    }
    for name, (address, headers, status) in requests.items():
        answer = ask(address, headers=headers)
        expect(answer.status == status, f"{name}: {answer.status}, not {status}")
    challenge = ask(url).headers.get("www-authenticate", "")
    expect(challenge.startswith("Bearer"), f"the challenge is {challenge!r}")
    expect(twice(system) in (400, 401), "two keys in one request")
    starts = {
        "production without client keys": ([], {}, 2),
        "a key on the command line": ([*system.client_key_options(), "--upstream-key", token], {}, 2),
        "cleartext to another host": ([*system.client_key_options(), "--upstream", "http://192.0.2.1/v1"], {}, 2),
        "development on a public address": (["--mode", "development", "--listen", "0.0.0.0:0"], {}, 2),
        "a token file that is missing": (system.client_key_options(), {"OPENAI_API_KEY_FILE": "/nonexistent"}, 1),
    }
    for name, (options, env, expected) in starts.items():
        gateway = system.start_gateway(f"refused {name}", *[str(option) for option in options], env=env, key_file=None)
        code = gateway.process.wait(20)
        expect(code == expected, f"{name}: exit code {code}")
    return f"{len(requests) + 1} requests and {len(starts)} starts refused: {', '.join([*requests, 'two keys', *starts])}"


def status_of(system, key):
    """Returns the status of a call, or nothing if the key ended during it: its response is cut."""
    try:
        return system.models(key=key).status
    except OSError:
        return None


def twice(system):
    """Sends two `Authorization` headers in one request."""
    parts = urllib.parse.urlsplit(system.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.putrequest("GET", "/v1/models")
    connection.putheader("Authorization", f"Bearer {system.key}")
    connection.putheader("Authorization", "Bearer trk_nobody")
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def redaction(system):
    """No key or token is in a log, on a command line, or in a health answer."""
    marks = [system.key, system.token_file.read_text(), system.model_key, system.secret_file.read_text()]
    begin = time.monotonic()
    system.models(key=system.key[:-1] + "x") # a refusal, which is logged
    system.models()
    texts = {process.name: process.log() for process in system.run.processes}
    texts["/healthz"] = ask(f"{system.url}/healthz").body.decode()
    texts["/readyz"] = ask(f"{system.url}/readyz").body.decode()
    lines = [path for path in glob.glob("/proc/[0-9]*/cmdline")]
    for path in lines:
        try:
            texts[path] = pathlib.Path(path).read_text(errors="replace")
        except OSError: # it has ended meanwhile
            continue
    texts["ps"] = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    for name, text in texts.items():
        for mark in marks:
            expect(mark not in text, f"a secret is in {name}")
    expect(time.monotonic() - begin < 10, "the search took too long")
    return f"{len(marks)} secrets, {len(system.run.processes)} logs, {len(lines)} command lines, 2 health answers: none found"
