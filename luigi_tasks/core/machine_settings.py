"""Machine settings: every section and key of luigi.cfg must be one that somebody reads.

Luigi takes a misspelt key or section in silence, and the default rules.
"""

from __future__ import annotations

import configparser
import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from luigi.configuration import get_config
from luigi.interface import core
from luigi.task_register import Register

from luigi_tasks.core.errors import PipelineError

# Keys that Luigi reads without declaring them as parameters.
_MORE_KEYS = {
    "core": {
        "autoload_range",
        "hdfs_tmp_dir",
        "history_filename",
        "no_configure_logging",
        "rpc_connect_timeout",
        "rpc_log_retries",
        "rpc_retry_attempts",
        "rpc_retry_wait",
        "tmp_dir",
    },
}
# Sections that Luigi's documentation names; their keys are not looked at, unless this process has
# loaded what declares them. [resources] and [logging] may hold any key.
_MORE_SECTIONS = [
    "batch_email",
    "batch_notifier",
    "bigquery",
    "core",
    "cors",
    "datadog",
    "elasticsearch",
    "email",
    "execution_summary",
    "gcs",
    "hadoop",
    "hadoopcli",
    "hdfs",
    "hive",
    "kubernetes",
    "logging",
    "mssql",
    "mysql",
    "pig",
    "postgres",
    "presto",
    "prometheus",
    "redis",
    "redshift",
    "resources",
    "retcode",
    "s3",
    "salesforce",
    "scalding",
    "scheduler",
    "sendgrid",
    "smtp",
    "spark",
    "sqlalchemy",
    "task_history",
    "upstream",
    "webhdfs",
    "worker",
]


def check() -> None:
    """Raise PipelineError at the first section or key of luigi.cfg that nobody reads.

    And for a file that Luigi passes over because it cannot be read, and for a number of workers
    with which Luigi would run nothing and call that a success.
    """
    named = os.environ.get("LUIGI_CONFIG_PATH")
    if named is not None and not Path(named).is_file():
        raise PipelineError(f"LUIGI_CONFIG_PATH = {named} is no file")
    for path in map(Path, type(get_config())._config_paths):
        try:
            if path.exists() or path.is_symlink():
                path.open().close()
        except OSError as error:
            raise PipelineError(f"{path}: cannot be read: {error.strerror}") from None
    workers = core().workers
    if workers < 1:
        raise PipelineError(f"--workers {workers} is not allowed: a whole number from 1 on")
    config = get_config()
    everywhere = config.defaults()
    declared: dict[str, Any] = Register._get_reg()
    for section in config.sections():
        if section not in declared and section not in _MORE_SECTIONS:
            near = _near(section, [*declared, *_MORE_SECTIONS], "[{}]")
            raise PipelineError(f"{_file_of(section)}: unknown section [{section}]{near}")
        keys = None
        if section in declared:
            keys = {name for name, _ in declared[section].get_params()}
            keys |= _MORE_KEYS.get(section, set())
        for key in config.options(section):
            plain = key.replace("-", "_")
            if keys is not None and not keys & {key, plain} and key not in everywhere:
                if plain in _past_keys(section):
                    continue
                raise PipelineError(
                    f"{_file_of(section, key)}: unknown setting [{section}] {key} = "
                    f"{config.get(section, key, raw=True)}{_near(plain, keys, '{}')}"
                )
            try:
                config.get(section, key)
            except configparser.InterpolationError as error:
                raise PipelineError(
                    f"{_file_of(section, key)}: [{section}] {key}: {' '.join(str(error).split())}"
                ) from None


def _past_keys(section: str) -> set[str]:
    """Names in a section under which Luigi still finds parameters of any class."""
    past = (parameter._config_path for *_, parameter in Register.get_all_params())
    return {
        place["name"].replace("-", "_") for place in past if place and place["section"] == section
    }


def _near(word: str, words: Iterable[str], form: str) -> str:
    near = difflib.get_close_matches(word, sorted(words), n=1)
    return f"; did you mean {form.format(near[0])}?" if near else ""


def _file_of(section: str, key: str | None = None) -> str:
    """The file that has a section or key: of those that Luigi reads, the last one."""
    for path in reversed(type(get_config())._config_paths):
        file = configparser.RawConfigParser(strict=False)
        file.optionxform = str  # type: ignore[assignment, method-assign]
        file.read(path)
        if file.has_section(section) and (key is None or file.has_option(section, key)):
            return str(path)
    return "luigi.cfg"
