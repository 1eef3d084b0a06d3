"""Traces: records, masking, captures, ladders."""
