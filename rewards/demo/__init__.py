"""A made-up exchange with makers who differ, so that the whole way can be watched on one machine."""
