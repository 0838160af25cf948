"""One reader for each data set as it is distributed: to prepare it (``plan_*``) or to train on it (``read_*``)."""
