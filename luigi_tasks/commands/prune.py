"""List the models and reports that need not be kept any longer, or remove them."""

from __future__ import annotations

import argparse

from luigi_tasks.core.settings import params
from luigi_tasks.governance.retention import outdated, prune


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="remove them; the audit trail says so")


def run(arguments: argparse.Namespace) -> int:
    kept = {name: params()[f"retention.{name}"] for name in ("generations", "reports")}
    found = (prune if arguments.yes else outdated)(**kept)
    for each in found:
        print(f"{each.path}  {each.size:,} bytes: {each.why}")
    if not found:
        print("nothing is to go")
        return 0
    total = f"{len(found)} files and folders, {sum(each.size for each in found):,} bytes"
    print(f"{total}, are removed" if arguments.yes else f"{total}; --yes removes them")
    return 0
