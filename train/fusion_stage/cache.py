"""Samples of fusion runs on disk: fixed once drawn, so that one copy serves every run that asks for just these.

They are two safetensors files, mapped into memory when read; several runs on one machine share that memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fusion_model.files import discard_unfinished, replacing
from train.fusion_stage.samples import FusionData, FusionSamples

_FORMAT = "fusion-pose-samples/1"
_PARTS = ("training", "held_out")
_COLUMNS = [field.name for field in fields(FusionSamples)]


@dataclass(frozen=True)
class FusionCache:
    """One :class:`train.fusion_stage.samples.FusionData`, kept under a fingerprint of all that it follows from.

    Attributes:
        folder: made when something is written.
    """

    folder: Path

    def write(self, fingerprint: str, data: FusionData) -> None:
        """Replace what is there; each file is written as a whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        discard_unfinished(self.folder)
        header = {_FORMAT: json.dumps({"fingerprint": fingerprint, "names": data.names})}
        for part in _PARTS:
            columns = getattr(data, part).columns
            with replacing(self._file(part)) as file:
                save_file({name: column.cpu().contiguous() for name, column in columns.items()}, file, header)

    def read(self, fingerprint: str) -> FusionData | None:
        """What was written under that fingerprint; None, and a line that says why, where files hold something else."""
        found, names = [], ()
        for file in map(self._file, _PARTS):
            if not file.is_file():
                return None
            try:
                with safe_open(file, "pt") as content:
                    header = json.loads((content.metadata() or {}).get(_FORMAT, "{}"))
                    if header.get("fingerprint") != fingerprint:
                        print(f"{file} is of other data, another hourglass or other settings: built anew")
                        return None
                    found.append(FusionSamples(*(content.get_tensor(name) for name in _COLUMNS)))
            except SafetensorError as error:
                print(f"{file} is damaged ({error}): built anew")
                return None
            names = tuple(header["names"])
        return FusionData(*found, names)

    def _file(self, part: str) -> Path:
        """Where a part lies."""
        return self.folder / f"{part}.safetensors"
