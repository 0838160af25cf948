"""Which precision is fast here."""

from __future__ import annotations

import torch


def bf16_is_fast(device: str) -> bool:
    """Whether a type of device, ``cuda`` or another, multiplies bfloat16 natively; where not, float32 is faster."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - torch offers no public test
