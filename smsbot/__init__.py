"""The foundation: settings, database, tenancy, work, events, clock, crypto, masking, gateways. Knows no feature."""
