"""Clips: tracking, smoothing, motion, and the files made of them."""
