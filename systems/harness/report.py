"""Rows, and the lines that say whether they hold."""

import concurrent.futures
import subprocess
import time

from .expectations import Failure


def report(rows, chosen, together=()):
    """Runs the chosen rows, prints a line for each, and returns the exit code. Those in `together` run at once."""
    unknown = set(chosen) - set(rows)
    if unknown:
        print(f"no such row: {', '.join(unknown)}; the rows are {', '.join(rows)}")
        return 2
    chosen = [name for name in rows if not chosen or name in chosen]
    results = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = {}
        for name in chosen:
            if name in together and not running:
                running = {other: pool.submit(judge, rows[other]) for other in chosen if other in together}
            holds, line = running[name].result() if name in running else judge(rows[name])
            results.append(holds)
            print(f"{name:<15} {line}", flush=True)
    failed = results.count(False)
    print("all rows hold" if failed == 0 else f"{failed} of {len(results)} rows failed", flush=True)
    return 0 if failed == 0 else 1


def judge(row):
    """Runs a row, and returns whether it holds and the line to print."""
    start = time.monotonic()
    try:
        holds, line = True, row()
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        holds, line = False, f"FAILED: {failure}"
    return holds, f"{line} ({time.monotonic() - start:.1f} s)"
