"""The product as many processes under load, with a carrier that fails and processes that die; checked from outside."""
