"""A key that rotates while a call is under way."""

import os
import threading
import time

LATE, EARLY = 0.3, 0.7
"""Seconds between the upstream and the file of its key."""
SPACING = 2
"""Seconds between two rotations."""


class Rotation:
    """The key of an upstream. When a call that is due arrives, the key is replaced, in two ways, one after the other:

    - The upstream drops the old key at once, so it rejects this call. The file has the new one a little later.
    - The file has the new key at once, and the upstream takes it a little later, in place of the old one.

    A key is replaced only after a call of that kind was accepted with it. Otherwise the gateway has no send left for the next
    key (see the limits in docs/design.md).
    """

    def __init__(self, path, prefix):
        self.path, self.prefix, self.number = path, prefix, 0
        self.lock, self.due, self.next = threading.Lock(), [], 0.0
        self.rotations = self.rejected = 0
        self._follow()
        self._switch_to_current()

    def begin(self, calls, done):
        """Rotates twice during each of these calls, then makes the file `done`."""
        with self.lock:
            self.due, self.done = [(call, way) for call in calls for way in [self._late, self._early]], done
            self.worked = set()  # the last client may have used another gateway

    def accepts(self, key, call):
        """Returns whether the key of a call is valid, after the rotation that is due."""
        with self.lock:
            way = next((way for due, way in self.due if due == call), None)
            if way and key in self.keys and call in self.worked and time.monotonic() > self.next:
                self.due.remove((call, way))
                self.next = time.monotonic() + SPACING
                self.rotations += 1
                way()
                if not self.due:
                    threading.Timer(SPACING, self.done.touch).start()
            if key not in self.keys:
                self.rejected += 1
                return False
            self.worked.add(call)
            return True

    def _late(self):
        self.number += 1
        self._switch_to_current()
        threading.Timer(LATE, self._write).start()

    def _early(self):
        self._follow()
        threading.Timer(EARLY, self._switch).start()

    def _follow(self):
        self.number += 1
        self._write()

    def _switch(self):
        with self.lock:
            self._switch_to_current()

    def _switch_to_current(self):
        self.keys, self.worked = {self.key}, set()

    @property
    def key(self):
        return f"{self.prefix}-{self.number:08}"

    def _write(self):
        following = self.path.with_suffix(".next")
        with open(os.open(following, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.key)
        following.rename(self.path)
