"""The scripts that draw plots in a browser, for pages that need no network."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from luigi_tasks.core import digests


@lru_cache(maxsize=1)
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; made once for each version of vl-convert."""
    import vl_convert

    # The stubs know neither the version nor that both arguments have defaults.
    library: Any = vl_convert
    found: str = digests.remembered(f"vega-bundle-{library.__version__}", library.javascript_bundle)
    return found
