"""Generated extracts: CSV files with the columns, formats and dirt of the real ones.

Nothing here is taken from a real customer. Every customer has two latent standard normal
variables: credit quality, seen through the financial columns, and engagement, seen through the
clickstream. Together with chance they decide who falls into lasting arrears.

The same `customers` and `seed` give the same bytes on every machine, given the same numpy
release. Each chunk of customers, and each extract within it, has a random stream of its own. A
stream is always drawn in full, and a drift only changes what is done with the draws, so rows
outside the drift stay as they were. The arithmetic is correctly rounded everywhere: no exp, log
or matrix product, which may differ in the last bit between processors.

From the door down; a module uses only what stands below it:

    generator       checks the arguments, then makes and writes chunk after chunk
    tables          which function draws which extract: a new extract is entered there
    attributes, financials, loans, clickstream      the columns of one extract each
    customers       one chunk of customers with their latent variables
    dirt            what is spoilt in which column, and how often
    distributions   values that correlate with a latent variable
    text            numbers, dates and names as CSV fields
    writing         files that appear only when all are complete
    drift           the drifts that can be asked for, and the loans that they affect
    months          the calendar
    columns         the types of columns
"""

from luigi_tasks.extracts.sample_data.drift import DRIFTS
from luigi_tasks.extracts.sample_data.generator import generate

__all__ = ["DRIFTS", "generate"]
