"""Evidence and old partitions go to the archive; what is verified there and needed no more here is dropped."""
