"""Who has made which request: in the trace, and in the audit."""

import pathlib
import re
import subprocess

from harness import expect, installed, until

from .desktop import Desktop

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
QUESTIONS = ("used", "changed", "in grace")


def traceable(run, programs):
    """Each request and each refusal can be traced to its instance and its key."""
    desktop = Desktop(run, programs)
    own, second = desktop.key(), desktop.key("second")
    ids = {"app": own.split("_")[1], "second": second.split("_")[1]}
    desktop.chat(own)
    desktop.chat(second)
    desktop.ask("/v1/models/tiny/load", second, "POST")
    desktop.chat("trk_nobody")
    expected = sorted([("app", ids["app"], 200), ("second", ids["second"], 200), (None, None, 401), (None, None, 403)], key=str)
    finished = lambda: [line for line in desktop.trace() if "status" in line["fields"]]
    until(lambda: len(finished()) >= len(expected), "spans of all requests")
    spans = [(line["span"].get("client"), line["span"].get("key_id"), int(line["fields"]["status"])) for line in finished()]
    expect(sorted(spans, key=str) == expected, f"spans: {spans}")
    refused = [line["fields"] for line in desktop.trace() if line["fields"].get("event") == "refused"]
    refused = {(line["reason"], line.get("client"), line.get("key_id")) for line in refused}
    expect(refused == {("unknown", None, None), ("insufficient_scope", "second", ids["second"])}, f"refusals: {refused}")
    desktop.stop()
    audit = {(line["event"], line.get("client"), line.get("key_id")) for line in desktop.audit()}
    for client, key in ids.items():
        expect(("used", client, key) in audit, f"the audit has no use by {client}")
    expect({("refused", "second", ids["second"]), ("refused", None, None)} <= audit, "the audit lacks a refusal")
    return f"{len(spans)} requests in spans with status, client and key id; {len(refused)} refusals with their reason"


def audit(run, programs):
    """The questions of the README, each answered by its line of jq on the audit file."""
    installed("jq")
    desktop = Desktop(run, programs, "--rotate-every", "3", "--overlap", "30")
    old = desktop.key("second")
    new = until(lambda: (now := desktop.key("second")) != old and now, "rotation of a key")
    expect(desktop.chat(new).status == 200, "the new key is refused")
    expect(desktop.chat(old).status == 200, "the key in grace is refused")
    desktop.stop()
    lines = re.findall(r"^jq .*$", README.read_text(), re.MULTILINE)
    expect(len(lines) == len(QUESTIONS), f"the README has {len(lines)} lines of jq")
    answers = {}
    for question, line in zip(QUESTIONS, lines):
        result = subprocess.run(["sh", "-ec", line], capture_output=True, text=True, cwd=desktop.folder)
        expect(result.returncode == 0, f"{line}: {result.stderr}")
        answers[question] = [row.split("\t") for row in result.stdout.splitlines()]
    ids = [key.split("_")[1] for key in (old, new)]
    expect({(row[1], row[2]) for row in answers["used"]} == {("second", id) for id in ids}, f"used: {answers['used']}")
    changed = [row[1:] for row in answers["changed"]]
    for client, key, event, *replaced in (["app", None, "key_imported"], ["second", ids[0], "key_issued"], ["second", ids[1], "key_rotated", ids[0]]):
        found = [row for row in changed if row[0] == client and key in (None, row[1]) and row[2] == event and row[3:] == (replaced or ["-"])]
        expect(found, f"changed: no {event} of {client} in {changed}")
    expect([row[:2] for row in answers["in grace"]] == [["second", ids[0]]], f"in grace: {answers['in grace']}")
    text = (desktop.folder / "audit.jsonl").read_text()
    expect(not any(key in text for key in (old, new)), "a key is in the audit")
    mode = (desktop.folder / "audit.jsonl").stat().st_mode & 0o777
    expect(mode == 0o600, f"the audit has mode {mode:o}")
    return f"{len(desktop.audit())} lines; " + "; ".join(f"{question}: {len(rows)}" for question, rows in answers.items())
