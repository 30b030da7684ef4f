"""The acts of people as commands: each runs the task of the same name."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import Any

import luigi

from luigi_tasks.commands.status import add_as_of
from luigi_tasks.governance.acts import Act


class ActCommand:
    """A command that runs an act with its parameters."""

    def __init__(self, act: type[Act]) -> None:
        self._act = act
        self.__doc__ = str(act.__doc__).partition("\n")[0]

    def _parameters(self) -> dict[str, luigi.Parameter]:
        own = dict(self._act.get_params())
        del own["as_of"]
        if own["generation"].has_task_value(self._act.get_task_family(), "generation"):
            del own["generation"]  # it is that of the day
        return own

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Those of the task."""
        add_as_of(parser)
        for name, parameter in self._parameters().items():
            parser.add_argument(
                f"--{name}",
                required=True,
                type=int if isinstance(parameter, luigi.IntParameter) else str,
                help=parameter.description,
            )

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the task; 1 when it has failed."""
        values: dict[str, Any] = {name: getattr(arguments, name) for name in self._parameters()}
        day: dt.date | None = arguments.as_of
        task = self._act(**{"as_of": day, **values})
        task.check()
        return int(not luigi.build([task], local_scheduler=True, log_level="WARNING"))
