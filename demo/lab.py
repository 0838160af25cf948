"""The fusion lab: networks of each way of merging, run on a visitor's person beside the model that is served."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fusion_model import FusionNetwork, PoseEstimator
from fusion_model.hub.strategies import OtherHourglassError, bundled_strategies, load_strategies, strategy_figures

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lab:
    """What the lab compares.

    Attributes:
        networks: by the names of their strategies, on the device of the model.
        figures: measured ones of each network, by its name.
    """

    networks: Mapping[str, FusionNetwork]
    figures: Mapping[str, Mapping[str, float]]

    @classmethod
    def beside(cls, estimator: PoseEstimator, folder: Path | None = None) -> Lab | None:
        """The networks that lie beside the bundled model, or in a folder; None where they do not belong to this one."""
        folder = folder or bundled_strategies()
        if not folder.is_dir():
            return None
        try:
            return cls(load_strategies(folder, estimator), strategy_figures(folder))
        except OtherHourglassError:
            return None
        except (ValueError, OSError) as error:
            _log.warning("the page goes without its fusion lab: %s", error)
            return None
