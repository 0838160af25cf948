"""One reader for each distributed data set; each returns :class:`train.data.people.Source`."""
