"""Reading what commands write as CSV."""

import csv


def read_rows(path):
    """The rows of a CSV file with a header, as dicts of text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
