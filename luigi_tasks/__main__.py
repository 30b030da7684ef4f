"""`python -m luigi_tasks`: what is stale, damaged or found, and files to make or sign.

A command is a module of `luigi_tasks.commands`: its docstring is its help, `add_arguments` adds
its arguments to a parser, and `run` does the work and gives the exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from types import ModuleType

from luigi_tasks.commands import (
    audit,
    generate,
    graph,
    health,
    notify,
    plan,
    prune,
    registry,
    sample_data,
    score,
    sign,
    status,
    summary,
    verify,
)
from luigi_tasks.commands.act import ActCommand
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.governance import acts

COMMANDS: dict[str, ModuleType | ActCommand] = {
    "status": status,
    "summary": summary,
    "plan": plan,
    "graph": graph,
    "audit": audit,
    "registry": registry,
    "score": score,
    "close-incident": ActCommand(acts.CloseIncident),
    "request-retraining": ActCommand(acts.RequestRetraining),
    "promote": ActCommand(acts.PromoteModel),
    "rollback": ActCommand(acts.RollbackModel),
    "restate": ActCommand(acts.RestateGeneration),
    "health": health,
    "notify": notify,
    "verify": verify,
    "prune": prune,
    "sample-data": sample_data,
    "generate": generate,
    "sign": sign,
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about, _, _ = str(__doc__).partition("\n")
    line = argparse.ArgumentParser(prog="python -m luigi_tasks", description=about)
    commands = line.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        command.add_arguments(added)
        added.set_defaults(run=command.run)
    return line


def main(words: list[str] | None = None) -> int:
    """Run a command; 0 when it could be done, 2 for wrong words, 1 for a PipelineError."""
    arguments = parser().parse_args(words)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads it has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
