"""The compiled half of the statistics: it walks with the engine's kernel and looks at every interval."""
