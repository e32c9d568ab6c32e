"""The engine: from public evidence to payouts and a Merkle root, in integers alone."""
