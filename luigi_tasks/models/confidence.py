"""How sure the intervals are. Apart from the measures, whose libraries take a second to import."""

from __future__ import annotations

# Two-sided 95 % of the standard normal distribution.
Z95 = 1.959963984540054
