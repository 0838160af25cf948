"""One reader for each data set as it is distributed.

``plan_*`` returns a :class:`train.data.readers.records.Plan` for ``train.prepare``; ``read_*`` returns a
:class:`train.data.source.Source`, which training reads as it is.
"""
