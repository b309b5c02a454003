"""Keys: where they come from, how they rotate, and what each may do."""

import re
import time

from harness import expect, until

from .desktop import Desktop, counts


def key_at_start(run, programs):
    """Each start makes another key, and the key of the start before is refused."""
    desktop = Desktop(run, programs)
    first = desktop.server_environment()["MODEL_SERVER_KEY"]
    expect(desktop.chat(first).status == 200, "the key of the start is refused")
    until(lambda: desktop.key() != first, "delivery of the next key")
    files = [path for path in desktop.folder.iterdir() if path.is_file()]
    found = [path.name for path in files if path.suffix != ".key" and any(key in path.read_text() for key in (first, desktop.key()))]
    expect(not found, f"a key is in {found}")
    expect("sha256:" in (desktop.folder / "ring.toml").read_text(), "the ring has no digests")
    desktop.stop()
    desktop.start()
    second = desktop.server_environment()["MODEL_SERVER_KEY"]
    expect(first != second, "two starts have the same key")
    expect(desktop.chat(second).status == 200, "the key of the second start is refused")
    expect(desktop.chat(first).status == 401, "the key of the first start still works")
    random = re.fullmatch(r"trk_\w+_(\w+)", second)
    expect(random and len(random[1]) >= 43, f"the key has {len(second)} characters")
    desktop.stop()
    return f"2 starts, 2 keys of {len(second)} characters, in no file but the app's own; the first is refused after the second start"


def operator_key(run, programs):
    """The operator sets the key; one that is easy to guess stops the start."""
    key = "op-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe"
    desktop = Desktop(run, programs, env={"APP_KEY": key})
    expect(desktop.server_environment()["MODEL_SERVER_KEY"] == key, "the server has another key")
    expect(desktop.chat(key).status == 200, "the operator's key is refused")
    desktop.stop()
    desktop.start(env={"APP_KEY": key})
    expect(desktop.chat(key).status == 200, "the operator's key is refused at the next start")
    desktop.stop()
    weak = ["", "secret", "password123", "a" * 40, "sk-1234"]
    for key in weak:
        refused = Desktop(run, programs, env={"APP_KEY": key}, wait=False)
        expect(refused.app.process.wait(20) == 1, f"starts with the key {key!r}")
        expect("listening" not in refused.app.log(), f"listens with the key {key!r}")
    return f"set by APP_KEY, over two starts; {len(weak)} weak keys stop the start, the empty one included"


def rotations(run, programs, seconds):
    """Both instances stream while the server rotates both keys on its schedule."""
    schedule = ["--rotate-every", "5", "--overlap", "4"] # a stream takes two seconds
    desktop = Desktop(run, programs, *schedule, calls="manage", seconds=seconds)
    second = counts(desktop.second("chat", seconds - 1))
    first = counts(desktop.app)
    for name, count in (("app", first), ("second", second)):
        expect(not count["failed"], f"{name}: {len(count['failed'])} of {count['calls']} failed: {count['failed'][:2]}")
        expect(count["keys"] >= 3, f"{name} had {count['keys']} keys")
        expect(count["across"] > 0, f"{name} had no stream during a rotation")
    return "; ".join(
        f"{name}: {count['keys']} keys, {count['calls']} calls, {count['streams']} streams of which {count['across']} "
        "across a rotation" for name, count in (("app", first), ("second", second))
    ) + "; 0 failed"


def ninety_days(run, programs):
    """Keys rotate every 90 days by default, and an old one is reported two weeks ahead."""
    desktop = Desktop(run, programs)
    ring = desktop.folder / "ring.toml"
    keys = re.findall(r"created_at = \"([^\"]+)\"", ring.read_text())
    ends = re.findall(r"not_after = \"([^\"]+)\"", ring.read_text())
    expect(len(keys) == 3 and len(ends) == 3, f"{len(keys)} keys, {len(ends)} with an end")
    desktop.stop()
    expect(not warnings(desktop), "a new key is reported")
    old = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 80 * 86400))
    text = ring.read_text()
    for key in keys:
        text = text.replace(f'created_at = "{key}"', f'created_at = "{old}"')
    ring.write_text(text)
    desktop.start()
    reported = until(lambda: warnings(desktop), "warning about keys of 80 days")
    expect(sum(warning["keys"] for warning in reported) >= 2, f"reported: {reported}") # one was retired
    desktop.stop()
    return f"{len(keys)} keys, each with an end; at an age of 80 days they are reported: {reported[0]['message']}"


def warnings(desktop):
    """Returns what the log says about old keys."""
    return [line["fields"] for line in desktop.trace() if line["level"] == "WARN" and "keys" in line["fields"]]


def scopes(run, programs):
    """The second instance may chat, and may not manage models or keys."""
    desktop = Desktop(run, programs)
    own, second = desktop.key(), desktop.key("second")
    expect(own != second, "both instances have one key")
    expect(desktop.chat(second).status == 200, "the second instance may not chat")
    expect(desktop.ask("/v1/models", second).status == 200, "the second instance may not list models")
    refused = {
        "load": desktop.ask("/v1/models/tiny/load", second, "POST"),
        "revoke": desktop.ask("/admin/clients/app/revoke", second, "POST"),
        "another route": desktop.ask("/admin", own),
    }
    for name, answer in refused.items():
        expect(answer.status == 403, f"{name}: {answer.status}")
    challenge = refused["load"].headers.get("www-authenticate", "")
    expect("insufficient_scope" in challenge, f"the challenge is {challenge!r}")
    expect(desktop.ask("/v1/models/tiny/load", own, "POST").status == 200, "the app may not manage models")
    desktop.stop()
    return "chat and list 200; load, revoke and any unlisted route 403; the app itself loads a model"


def second_factor(run, programs):
    """The app's key is bound to its certificate; the administration asks for a role beside both."""
    desktop = Desktop(run, programs)
    path, own, second = "/admin/clients/second/revoke", desktop.key(), desktop.key("second")
    roles = re.findall(r"^\[\[role\]\]\nid = \"(\w+)\"", (desktop.folder / "ring.toml").read_text(), re.MULTILINE)
    expect(roles == ["operator", "user"], f"the ring has the roles {roles}")
    refused = {
        "key alone": desktop.ask(path, own, "POST", certificate=None),
        "key with another certificate": desktop.ask(path, own, "POST", certificate="tls.pem"),
        "certificate alone": desktop.ask(path, None, "POST"),
        "a chat with the key alone": desktop.chat(own, certificate=None),
    }
    for name, answer in refused.items():
        expect(answer.status == 401, f"{name}: {answer.status}")
    expect(refused["key alone"].body == desktop.chat("trk_nobody").body, "the answer tells that the key is right")
    role = desktop.ask(path, second, "POST")
    expect(role.status == 403, f"a key without the role: {role.status}")
    expect(desktop.chat(second, certificate=None).status == 200, "the second instance needs a certificate")
    revoked = desktop.ask(path, own, "POST")
    expect(revoked.status == 200 and revoked.json()["revoked"], f"with key, certificate and role: {revoked.status}")
    expect(desktop.chat(second).status == 401, "a revoked key still works")
    desktop.stop()
    return f"{', '.join(refused)}: 401; a key without the role: 403; with all three 200, and then the revoked key 401"


def comparison(run, programs):
    """Keys that are nearly right are refused as all others."""
    desktop = Desktop(run, programs)
    key = desktop.key()
    flip = lambda place: key[:place] + ("x" if key[place] != "x" else "y") + key[place + 1:]
    wrong = {
        "last character": flip(len(key) - 1), "first character": flip(len(key) - 45), "upper case": key.upper(),
        "one less": key[:-1], "one more": f"{key}x", "a prefix": key[:20],
    }
    for name, text in wrong.items():
        expect(desktop.chat(text).status == 401, f"{name}: accepted")
    desktop.stop()
    return f"{len(wrong)} keys that are nearly right: 401 ({', '.join(wrong)})"
