"""A double of the Hub."""

from tests.hub_double import black_hole, hub

__all__ = ["black_hole", "hub"]
