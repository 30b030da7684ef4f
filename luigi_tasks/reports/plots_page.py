"""The stage PlotsPage: the page that `dvc plots` fills, with the scripts in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from luigi_tasks.core.storage import in_reports
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.core.task import Stage

# DVC puts the plots in the place of {plot_divs}. Its own page has links to a web server at
# {scripts}; this one holds Vega, Vega-Lite and Vega-Embed, and needs no network.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Loan default: metrics by revision</title>
<style>
body {{ font-family: sans-serif; margin: 2em; }}
main {{ display: flex; flex-wrap: wrap; gap: 2em; align-items: flex-start; }}
</style>
<script>{scripts}</script>
</head>
<body>
<main>
{{plot_divs}}
</main>
</body>
</html>
"""


class PlotsPage(Stage):
    """reports/plots_page: page.html, the template of `dvc plots show` and `dvc plots diff`."""

    product = "page"

    def requires(self) -> list[Stage]:
        return []

    def output(self) -> dict[str, StageTarget]:
        return {"page": Directory(in_reports("plots_page"))}

    def build(self, staging: Mapping[str, Path]) -> None:
        from luigi_tasks.reports.vega import vega_bundle

        folder = staging["page"]
        folder.mkdir()
        page = PAGE.format(scripts=vega_bundle())
        (folder / "page.html").write_text(page, encoding="utf-8")
