"""A stand-in carrier and a stand-in model, spoken to over HTTP only, never present in production."""
