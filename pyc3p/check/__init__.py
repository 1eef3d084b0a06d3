"""Traces of anybody's programs, judged: records in, verdicts out."""
