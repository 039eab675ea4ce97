"""The causes that a difference from the bureau's result is put down to, by their names, in the order in which they are tried."""

from __future__ import annotations

GROUP, CATALOGUE, COEFFICIENT, DATE, AUXILIARY = "group", "catalogue", "coefficient", "coefficient_date", "auxiliary"
REFERENCE, BOUNDARY, SPECIAL = "reference", "boundary", "special"
ROUNDING, ORDER, UNEXPLAINED = "rounding_place", "rounding_order", "unexplained"
MISSING, EXTRA = "missing", "extra"
# The causes of a case's score, in the order in which they are put in place.
CASE_CAUSES = (
    MISSING, EXTRA, GROUP, CATALOGUE, COEFFICIENT, DATE, AUXILIARY, SPECIAL, REFERENCE, BOUNDARY, ROUNDING, ORDER, UNEXPLAINED,
)  # fmt: skip
POINT_VALUE, BUDGET, SHARING, ASSESSMENT = "point_value", "budget", "sharing", "assessment"
DEDUCTION, PAYMENT, RETENTION = "deduction", "payment", "retention"
# Of a step's figure: what its cases bring, then what the sheet itself has otherwise.
CAUSES = (
    *CASE_CAUSES[:-1], POINT_VALUE, BUDGET, SHARING, ASSESSMENT, DEDUCTION, PAYMENT, RETENTION, UNEXPLAINED,
)  # fmt: skip
