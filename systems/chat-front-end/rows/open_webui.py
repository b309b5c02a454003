"""Open WebUI itself as the front end."""

import http.client
import json
import secrets
import threading
import time
import urllib.parse

from harness import ask, expect, free_port, installed, until


def open_webui(system):
    """Signs up, lists models, and chats across rotations. It hides a 401: its list of models is then empty."""
    names, port = installed("open-webui"), free_port()
    home = system.run.folder / "open-webui"
    home.mkdir()
    front = system.run.start("open-webui-server", [names["OPEN_WEBUI"], "serve", "--host", "127.0.0.1", "--port", port], env={
        "HOME": str(home),
        "DATA_DIR": str(home / "data"),
        "WEBUI_SECRET_KEY": secrets.token_urlsafe(24),
        "OPENAI_API_BASE_URLS": f"{system.url}/v1",
        "OPENAI_API_KEYS": system.key,
        "ENABLE_OLLAMA_API": "false",
        "RAG_EMBEDDING_ENGINE": "openai", # no model is downloaded
        "AUDIO_STT_ENGINE": "openai",
        "HF_HUB_OFFLINE": "1",
        "OFFLINE_MODE": "true",
        "ENABLE_VERSION_UPDATE_CHECK": "false",
        "ANONYMIZED_TELEMETRY": "false",
        "DO_NOT_TRACK": "true",
        "SCARF_NO_ANALYTICS": "true",
    })
    url = f"http://127.0.0.1:{port}"

    def ready():
        expect(front.alive(), f"Open WebUI ended:\n{front.log()[-2000:]}")
        try:
            return ask(f"{url}/health").status == 200
        except OSError:
            return False

    start = time.monotonic()
    until(ready, "Open WebUI", 120)
    seconds = time.monotonic() - start
    person = {"name": "Ada", "email": "ada@example.com", "password": secrets.token_urlsafe(16)}
    signed_up = ask(f"{url}/api/v1/auths/signup", method="POST", body=person)
    expect(signed_up.status == 200, f"sign-up: {signed_up.status} {signed_up.body[:200]}")
    session = signed_up.json()["token"]

    seen, before = len(system.upstream_log()), len(system.changes("issued"))
    stopped = threading.Event()
    counts, failed, streams = {"lists": 0, "chats": 0}, [], []

    def lists():
        while not stopped.wait(0.1):
            counts["lists"] += 1
            answer = ask(f"{url}/openai/models", session)
            models = [model["id"] for model in answer.json().get("data", [])]
            if answer.status != 200 or models != ["tiny"]:
                failed.append(f"list of models: {answer.status} {models}")

    def chats():
        while not stopped.is_set():
            counts["chats"] += 1
            begin = time.time()
            end = chat(url, session)
            if end != "length":
                failed.append(f"chat ended with {end}")
            streams.append((begin, time.time()))

    threads = [threading.Thread(target=guarded(work, failed)) for work in (lists, chats, chats)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(system.changes("issued")) >= before + 3, "rotations", system.lifetime * 4)
        time.sleep(1)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    expect(not failed, f"{len(failed)} failed: {failed[:3]}")
    changes = system.changes("issued")[before:]
    across = sum(any(begin < change["at"] < end for change in changes) for begin, end in streams)
    expect(across > 0, "no chat was open during a rotation")
    refused = sum(request["status"] == 401 for request in system.upstream_log()[seen:])
    expect(refused == 0, f"the upstream refused {refused} requests")
    front.stop()
    return (
        f"ready after {seconds:.0f} s; {len(changes)} rotations, {counts['lists']} lists of models, "
        f"{counts['chats']} chats of which {across} across a rotation; 0 failed"
    )


def guarded(work, failed):
    def run():
        try:
            work()
        except (OSError, ValueError, KeyError) as error:
            failed.append(f"{work.__name__}: {type(error).__name__}: {error}")

    return run


def chat(url, session):
    """Streams a chat, and returns the reason for which it ended."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    body = {
        "model": "tiny", "stream": True, "max_tokens": 1500, "ignore_eos": True,
        "messages": [{"role": "user", "content": "the key rotates"}],
    }
    headers = {"Authorization": f"Bearer {session}", "Content-Type": "application/json"}
    connection.request("POST", "/openai/chat/completions", body=json.dumps(body), headers=headers)
    response = connection.getresponse()
    if response.status != 200:
        return f"status {response.status}"
    reason = None
    for line in response:
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:]).get("choices") or [{}]
            reason = choices[0].get("finish_reason") or reason
    connection.close()
    return reason
