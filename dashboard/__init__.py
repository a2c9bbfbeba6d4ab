"""The dashboard: pages on which staff read and steer conversations. Server-rendered; scripts only add to them."""
