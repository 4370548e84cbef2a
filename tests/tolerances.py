"""What another processor or runtime may change of what is printed (CONTRIBUTING.md)."""

PRINTED_PROBABILITY = 2e-4
"""Logits within `fercli.parity.TOLERANCE`, and four digits."""
