"""The endpoints that answer with data alone: for ``gradio_client``, curl and, with ``python app.py --mcp``, MCP."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.service import Service


def data_endpoints(service: Service, photo: gr.Image) -> None:
    """Add ``/estimate_pose`` and ``/model_info`` to the Blocks at hand."""
    box = gr.JSON(visible=False, label="box: x0, y0, x1, y1 in pixels, or null")
    result = gr.JSON(visible=False, label="fusion-pose/1")

    def estimate_pose(photo: str | None, box: list[float] | None = None) -> dict[str, Any]:
        """Estimate the pose of the person in a photo: 17 joints in 3D (mm) and 2D (pixels) as fusion-pose/1."""
        return service.estimate(photo, box)[1].to_dict()

    def model_info() -> dict[str, Any]:
        """What the model is and what its fusion network has learnt."""
        return service.info()

    gr.Button(visible=False).click(estimate_pose, [photo, box], result, api_name="estimate_pose")
    gr.api(model_info, api_name="model_info")
