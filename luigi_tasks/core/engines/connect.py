"""A Spark Connect server: the session is here, Apache Spark is elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luigi_tasks.core.engines.base import impatient
from luigi_tasks.core.engines.executors import WithExecutors
from luigi_tasks.core.errors import PipelineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(kw_only=True)
class Connect(WithExecutors):
    """The Spark Connect server at an address: sc://host:15002."""

    modules = ("pyspark.sql.connect.session",)

    remote: str

    def start(self) -> SparkSession:
        from pyspark.sql import SparkSession
        from pyspark.sql.connect.client.retries import DefaultPolicy

        try:
            session = SparkSession.builder.remote(self.remote).create()
            # The client tries for ten minutes. That suits a lost connection, not a wrong address.
            patient = session.client.get_retry_policies()
            session.client.set_retry_policies([DefaultPolicy(max_retries=3)])
            _ = session.version
            session.client.set_retry_policies(patient)
        except Exception as error:
            raise PipelineError(
                f"luigi.cfg: [engine] remote = {without_token(self.remote)} does not answer as a "
                f"Spark Connect server ({type(error).__name__})"
            ) from None  # what lies below it may quote the address
        return session

    def stop(self, session: SparkSession | None) -> None:
        """A server that is gone by now is not waited for."""
        if session is not None:
            impatient(session)
        super().stop(session)


def without_token(address: str) -> str:
    """An address for people: what proves who asks is left out of it."""
    return re.sub(r"(token\s*=)[^;]*", r"\1…", address, flags=re.IGNORECASE)
