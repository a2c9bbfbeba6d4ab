"""Figures that anybody can repeat: each bench starts its own servers, loads them, and compares within one run."""
