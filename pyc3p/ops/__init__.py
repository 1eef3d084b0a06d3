"""What operators of a server look at: its log, its measures, and whether it is well."""
