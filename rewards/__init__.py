"""Programmes, epochs, scores, amounts and claims: from market events to money."""
