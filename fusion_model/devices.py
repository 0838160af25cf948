"""Where networks run."""

from __future__ import annotations

import re

import torch


def usable_device(device: str | torch.device | int | None) -> torch.device:
    """The device of that name, once it has been seen to work; for None CUDA if there is one, else the CPU.

    Raises:
        ValueError: if there is no such device, or this build of torch cannot use it; says which can be used.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # torch raises seven kinds of errors here
        reason = re.split(r"[.;!]?\s*\n|\. | device type at start", str(error) or type(error).__name__)[0]
        present = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        usable = f"{present.type} or cpu" if present else "cpu"
        raise ValueError(f"the device {str(device)!r} cannot be used here ({reason}): use {usable}") from error
    return torch.device(device)
