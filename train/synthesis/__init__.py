"""Rendered people with exact labels: body, motion, wardrobe, scene, renderer."""
