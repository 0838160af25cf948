"""Files of photos: their kinds, their metadata, and the picture in them as a viewer shows it."""
