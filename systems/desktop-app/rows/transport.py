"""TLS: certificates that change, and cleartext."""

import http.client
import ssl
import urllib.parse

from harness import Failure, ask, expect, replace, until

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
