"""Every setting as a page for people: docs/settings.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import luigi
import yaml
from luigi.task_register import Register

from luigi_tasks.parameters import RULES

_TITLE = """\
# Settings

Written by `python -m luigi_tasks generate` from the rules that refuse a wrong value.

What to compute stands in params.yaml, where DVC sees it; how this machine does it, in luigi.cfg. A
misspelt or impossible setting ends a run at its start, in a sentence with its name, its value and
what is allowed.

## params.yaml

Every setting has to be there. `shipped` is its value in this repository.
"""
_MACHINE = """\
## luigi.cfg

Sections of this project. A setting that is not there has its default. Any of them can be given to
one run on the command line, as `--engine-memory-mb 8000`. The other sections are
[Luigi's own](https://luigi.readthedocs.io/en/stable/configuration.html); a key that nobody reads is
refused there too.
"""
_ENVIRONMENT = """\
## The environment

| variable | what it means |
|---|---|
"""
# What is secret, or a person's, stands in no file of the project.
VARIABLES = {
    "LOAN_PIPELINE_ACTOR": "who acts, in the audit trail; the user of this machine without it",
    "LOAN_PIPELINE_SIGNING_KEY": "key that models, trail and marker are signed with "
    "([security.md](security.md)); or `…_FILE`, the file that holds it",
    "LOAN_PIPELINE_PSEUDONYM_KEY": "key of the pseudonyms of `predictions.identifiers`; or "
    "`…_FILE`",
    "LOAN_PIPELINE_NOTIFY": "who is told, as addresses of Apprise ([operations.md](operations.md))",
    "LOAN_PIPELINE_SCHEDULER_URL": "the luigid of scheduled commands; `health` asks whether it "
    "answers",
    "LUIGI_CONFIG_PATH": "another luigi.cfg, read after the one in the working directory",
}
_LONGEST = 60


def page(params: str) -> str:
    """The settings in Markdown; `params` is the text of params.yaml, which has those shipped."""
    return "\n".join(
        [
            _TITLE,
            *_sections_of_params(yaml.safe_load(params)),
            _MACHINE,
            *_sections_of_machine(),
            _ENVIRONMENT + "\n".join(f"| `{name}` | {what} |" for name, what in VARIABLES.items()),
            "",
        ]
    )


def _sections_of_params(shipped: dict[str, dict[str, Any]]) -> Iterator[str]:
    for section in dict.fromkeys(name.partition(".")[0] for name in RULES.by_name):
        yield f"### {section}\n\n| setting | what it means | shipped | allowed |"
        yield "|---|---|---|---|"
        for name, rule in RULES.by_name.items():
            if name.startswith(f"{section}."):
                key = name.partition(".")[2]
                value = _cell(_text(shipped[section][key]))
                yield f"| `{key}` | {_cell(rule.about)} | {value} | {_cell(rule.allowed)} |"
        yield ""


def _sections_of_machine() -> Iterator[str]:
    kinds = [
        kind
        for kind in Register._get_reg().values()
        if isinstance(kind, type)
        and issubclass(kind, luigi.Config)
        and kind.__module__.startswith("luigi_tasks.")
    ]
    for kind in sorted(kinds, key=lambda each: each.get_task_family()):
        yield f"### [{kind.get_task_family()}]\n\n| setting | what it means | default |"
        yield "|---|---|---|"
        for name, parameter in kind.get_params():
            about = parameter.description.partition(" Choices: ")[0].rstrip(";. ")
            yield f"| `{name}` | {_cell(about)} | {_cell(_text(parameter._default))} |"
        yield ""


def _text(value: Any) -> str:
    """A value as YAML writes it on one line; of a long one its length."""
    if value == "":
        return ""
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    if isinstance(value, dict | list):
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False).strip()
        return f"`{text}`" if len(text) <= _LONGEST else f"{len(value)} of them"
    return f"`{yaml.safe_dump(value).removesuffix('...' + chr(10)).strip()}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
