"""SRTP and SRTCP."""
