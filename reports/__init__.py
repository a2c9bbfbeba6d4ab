"""Reports: what a tenant's texts amount to, day by day."""
