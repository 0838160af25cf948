"""The page, its endpoints and the command line: everything between fusion_model and a person."""
