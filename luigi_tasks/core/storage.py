"""Where the files lie: the folders of section [storage] of luigi.cfg."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import luigi

from luigi_tasks.core import files, machine_settings
from luigi_tasks.core.errors import PipelineError

# What is remembered between runs; it can be removed at any time when none is running.
CACHE = Path(".cache")


class storage(luigi.Config):  # noqa: N801 (the class name is the section of luigi.cfg)
    """Where the files lie: a folder, relative to the working directory, or a URI.

    Section [storage] of luigi.cfg.
    """

    data = luigi.Parameter(default="data", description="the CSV extracts")
    datamart = luigi.Parameter(default="datamart", description="the parquet layers")
    model_store = luigi.Parameter(default="model_store", description="models and metadata")
    reports = luigi.Parameter(default="reports", description="dashboard and quality report")


@lru_cache(maxsize=1)
def _folders() -> storage:
    # Whatever a run or a command does, it asks first where the files lie.
    machine_settings.check()
    return storage()


def in_data(*parts: str) -> Path:
    """A path below the folder of the CSV extracts."""
    return _on_this_machine("data", *parts)


def in_datamart(*parts: str) -> Path:
    """A path below the datamart, which alone may lie on shared storage."""
    return files.located(_folders().datamart, *parts)


def in_model_store(*parts: str) -> Path:
    """A path below the model store."""
    return _on_this_machine("model_store", *parts)


def in_reports(*parts: str) -> Path:
    """A path below the reports."""
    return _on_this_machine("reports", *parts)


def sweep() -> None:
    """Remove what killed runs were writing when they ended, wherever outputs lie."""
    for folder in (in_datamart(), in_model_store(), in_reports(), CACHE):
        files.file_system(folder).sweep(folder)


def _on_this_machine(setting: str, *parts: str) -> Path:
    place = getattr(_folders(), setting)
    path = files.located(place, *parts)
    if files.is_shared(path):
        raise PipelineError(
            f"luigi.cfg: [storage] {setting} = {place} is not on this machine; only the datamart "
            "can lie on shared storage"
        )
    return path
