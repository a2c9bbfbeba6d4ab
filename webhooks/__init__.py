"""What the carrier calls: inbound texts and status callbacks."""
