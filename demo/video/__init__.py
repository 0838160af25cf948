"""Clips: decoding, tracking, smoothing, motion."""
