"""Which text a parameter of Luigi has refused. Luigi's own errors tell neither name nor text."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import luigi

from luigi_tasks.core.errors import PipelineError

Section = TypeVar("Section", bound=luigi.Config)


class Refusal(NamedTuple):
    """The name of a parameter, the text that it was given, and what it may be, in words."""

    name: str
    text: str
    allowed: str


def refusal(error: BaseException | None) -> Refusal | None:
    """What a parameter refused when it raised an error; None when no parameter raised it."""
    while isinstance(error, ValueError):
        place = error.__traceback__
        while place is not None:
            variables, function = place.tb_frame.f_locals, place.tb_frame.f_code.co_name
            parameter = variables.get("self")
            if isinstance(parameter, luigi.Parameter) and function in ("parse", "normalize"):
                text = next((variables[name] for name in ("x", "s") if name in variables), "")
                return Refusal(
                    str(parameter._attribute_name), _short(str(text)), _allowed(parameter)
                )
            place = place.tb_next
        error = error.__cause__
    return None


def section(kind: type[Section]) -> Section:
    """A section of luigi.cfg as it is set; raises PipelineError for a value that is not allowed."""
    try:
        return kind()
    except ValueError as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise PipelineError(
            f"luigi.cfg: [{kind.get_task_family()}] {refused.name} = {refused.text} is not "
            f"allowed: {refused.allowed}"
        ) from None


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


def _allowed(parameter: luigi.Parameter) -> str:
    if isinstance(parameter, luigi.ChoiceListParameter):
        return f"{', '.join(sorted(map(str, parameter._choices)))}, or some of them"
    if isinstance(parameter, luigi.ChoiceParameter):
        return " or ".join(sorted(map(str, parameter._choices)))
    if isinstance(parameter, luigi.NumericalParameter):
        return f"a whole number from {parameter._min_value} to {parameter._max_value}"
    for kind, words in (
        (luigi.MonthParameter, "a month (yyyy-mm)"),
        (luigi.DateParameter, "a date (yyyy-mm-dd)"),
        (luigi.IntParameter, "a whole number"),
        (luigi.FloatParameter, "a number"),
        (luigi.BoolParameter, "true or false"),
    ):
        if isinstance(parameter, kind):
            return words
    return f"what a {type(parameter).__name__} of Luigi takes"
