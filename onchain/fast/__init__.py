"""What the indexer does to every byte of a block, compiled: receipts, their trie, and rows for PostgreSQL's COPY."""
