"""Reads for pages, tasks and the API: each in a fixed number of queries, amounts as ints, times as ms UTC."""
