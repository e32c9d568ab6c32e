"""The row-wise way from blocks to market events."""
