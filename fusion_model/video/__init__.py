"""Clips: checked, decoded, and read frame by frame as a player shows them; needs PyAV."""
