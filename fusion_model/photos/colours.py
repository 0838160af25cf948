"""Colour profiles: photos in other colour spaces as screens show them, in sRGB."""

from __future__ import annotations

import io

from PIL import Image, ImageChops, ImageCms, ImageStat

MAX_PROFILE_BYTES = 4_000_000
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_VISIBLE = 10  # of 255 on average, and the conversion is worth its second; Display P3 of telephones stays below


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a photo by the profile that it carries, if that changes what one sees; a broken profile is ignored.

    Args:
        image: RGB, L or CMYK; others come back as they are.

    Returns:
        The image, RGB if it was converted.
    """
    profile = image.info.get("icc_profile")
    if not profile or len(profile) > MAX_PROFILE_BYTES:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode != _MODES.get(source.profile.xcolor_space.strip()):
            return image
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
        sample = image.resize((64, 64), Image.Resampling.NEAREST)
        change = ImageChops.difference(ImageCms.applyTransform(sample, transform), sample.convert("RGB"))
        if max(ImageStat.Stat(change).mean) < _VISIBLE:
            return image
        return ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
