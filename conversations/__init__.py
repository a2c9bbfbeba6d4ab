"""Leads, transcripts, replies and the outbox, the one place that a text leaves from."""
