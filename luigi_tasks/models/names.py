"""Where the model store keeps what, by generation."""

from __future__ import annotations

from pathlib import Path

from luigi_tasks.core.storage import in_model_store


def metadata_path(generation: int) -> Path:
    """model_store/model_metadata_N.json"""
    return in_model_store(f"model_metadata_{generation}.json")


def model_files(generation: int) -> tuple[str, str]:
    """The names of a generation's model and encoders, beside its metadata."""
    return f"best_model_{generation}.pkl", f"label_encoders_{generation}.pkl"
