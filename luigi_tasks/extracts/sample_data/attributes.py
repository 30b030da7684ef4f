"""The extract of customer attributes."""

from __future__ import annotations

import numpy as np

from luigi_tasks.extracts.sample_data.columns import Columns
from luigi_tasks.extracts.sample_data.customers import Customers
from luigi_tasks.extracts.sample_data.dirt import ATTRIBUTES_DIRT, with_dirt
from luigi_tasks.extracts.sample_data.distributions import Indicator, draw_indicator
from luigi_tasks.extracts.sample_data.drift import Drift
from luigi_tasks.extracts.sample_data.months import day_first_date
from luigi_tasks.extracts.sample_data.text import date_text, number_text, quoted

_AGE = Indicator(0.27, (14, 15, 17, 25, 33, 42, 52, 55, 56))

_OCCUPATIONS = (
    "Accountant",
    "Architect",
    "Developer",
    "Doctor",
    "Engineer",
    "Entrepreneur",
    "Journalist",
    "Lawyer",
    "Manager",
    "Mechanic",
    "Media_Manager",
    "Musician",
    "Scientist",
    "Teacher",
    "Writer",
)

_GIVEN_NAMES = (
    "Adira", "Belo", "Caspen", "Dorrel", "Elvane", "Fenno", "Galia", "Hestor", "Ivelle", "Jorun",
    "Kesh", "Lumi", "Marisk", "Nolwen", "Orsa", "Perrin", "Quill", "Rosk", "Sabela", "Tavi",
)  # fmt: skip
_FAMILY_NAMES = (
    "Abrenholt", "Birch-Odell", "Corvane", "Drummel", "Eskerly", "Farrowin", "Gantrey", "Hollin",
    "Istvale", "Jaskell", "Korrin", "Lathbury", "Mirrow", "Norquill", "Ostervale", "Pellam",
    "Quarrie", "St. Ember", "Thornby", "Ulvery", "Vantor", "Wexcombe", "Yarrowes", "Zellick",
)  # fmt: skip


def draw_attributes(rng: np.random.Generator, customers: Customers, drift: Drift) -> Columns:
    """Name, Age (years), SSN and Occupation: one row a customer, on the day the loan starts.

    Area numbers from 900 with group numbers below 50 were never issued, neither as SSN nor as
    ITIN, so no SSN here is anybody's.
    """
    n = len(customers)
    given_names = rng.choice(("", *(f"{name} " for name in _GIVEN_NAMES)), n)
    ssn_parts = zip(
        rng.integers(900, 1_000, n).tolist(),
        rng.integers(1, 50, n).tolist(),
        rng.integers(1, 10_000, n).tolist(),
        strict=True,
    )
    columns = {
        "Customer_ID": customers.ids,
        "Name": np.char.add(given_names, rng.choice(_FAMILY_NAMES, n)).tolist(),
        "Age": number_text(draw_indicator(rng, customers.quality, _AGE)),
        "SSN": [f"{area}-{group:02d}-{serial:04d}" for area, group, serial in ssn_parts],
        "Occupation": rng.choice(_OCCUPATIONS, n).tolist(),
        "snapshot_date": date_text(customers.vintage, day_first_date),
    }
    columns = with_dirt(rng, columns, ATTRIBUTES_DIRT)
    columns["Name"] = quoted(columns["Name"])
    return columns
