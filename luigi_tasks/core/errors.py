"""The one error that users are meant to read."""


class PipelineError(Exception):
    """Bad input, a bad setting or a damaged artefact, in one sentence.

    The message names the file, column or setting at fault and says what would be right.
    The command line prints it without a traceback.
    """
