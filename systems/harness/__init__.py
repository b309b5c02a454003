"""Starts the processes of a system, asks them over sockets, and stops each one by its id."""

from .client import Answer, ask
from .expectations import Failure, expect, until
from .files import replace
from .processes import Process, Run, free_port
from .programs import REPOSITORY, TARGET, built, installed
from .report import judge, report

__all__ = [
    "REPOSITORY", "TARGET", "Answer", "Failure", "Process", "Run", "ask", "built", "expect", "free_port", "installed", "judge",
    "replace", "report", "until",
]
