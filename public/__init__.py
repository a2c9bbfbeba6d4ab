"""Pages for everybody: the forms on which people ask and agree, and their privacy and terms pages. No script, no cookie."""
