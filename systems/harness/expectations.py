"""What must hold, now or soon."""

import time


class Failure(Exception):
    """A promise of the system that did not hold."""


def expect(condition, message):
    """Raises `Failure` with the message unless the condition holds."""
    if not condition:
        raise Failure(message)


def until(condition, what, seconds=15):
    """Waits until the condition returns something true, and returns that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise Failure(f"no {what} within {seconds} s")
