"""What is said of a process that the system has killed."""

from __future__ import annotations

import os

from luigi_tasks.core.engines import config
from luigi_tasks.core.errors import PipelineError


def killed_for_memory(workers: int) -> str:
    """Why a process of a run was probably killed, and what helps."""
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    with_workers = f"{workers} worker" + ("s" if workers > 1 else "")
    try:
        engine = config.settings()
    except PipelineError:
        engine = None
    if engine is None or engine.engine != "sail":
        return (
            f"killed, probably out of memory: {with_workers} on a machine with {there:,} MiB; "
            "--workers fewer need less"
        )
    return (
        f"killed, probably out of memory: {with_workers} × memory_mb {engine.memory_mb:,} = "
        f"{workers * engine.memory_mb:,} MiB on a machine with {there:,} MiB; fewer --workers or "
        "a lower memory_mb (luigi.cfg, [engine]) need less"
    )
