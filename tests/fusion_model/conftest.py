"""A double of the Hub."""

from tests.helpers.hub_double import hub

__all__ = ["hub"]
