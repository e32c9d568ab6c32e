"""Everything that rewards writes; each function is one step that may be repeated, lost or killed without harm."""
