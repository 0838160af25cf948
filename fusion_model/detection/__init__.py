"""From a photo to the people in it: the detector, candidates, and the search that confirms them."""
