"""The doors to the outside world: the carrier, the model and media. Each translates its provider's errors once."""
