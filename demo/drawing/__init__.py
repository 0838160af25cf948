"""The 3D figures, and skeletons and confidence maps on the photo."""
