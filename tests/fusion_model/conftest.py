"""A double of the Hub."""

from tests.helpers.hub_double import black_hole, hub

__all__ = ["black_hole", "hub"]
