"""Calls in the background while something changes."""

import contextlib
import threading

from harness import expect


@contextlib.contextmanager
def calls(system, url, workers=4):
    """Lists models through a gateway without a pause. Fails if any call does; yields the count."""
    stopped, failed, count = threading.Event(), [], [0] * workers

    def work(number):
        while not stopped.is_set():
            try:
                answer = system.models(url)
                status = answer.status
            except OSError as error:
                status = f"{type(error).__name__}: {error}"
            count[number] += 1
            if status != 200:
                failed.append(status)
            stopped.wait(0.01)

    threads = [threading.Thread(target=work, args=[number]) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield count
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    expect(sum(count) > workers, "there were too few calls to show anything")
    expect(not failed, f"{len(failed)} of {sum(count)} calls failed: {failed[:3]}")
