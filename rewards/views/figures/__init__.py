"""Geometry of the server-rendered pictures: numbers in, percentages and pixels out; templates draw them."""
