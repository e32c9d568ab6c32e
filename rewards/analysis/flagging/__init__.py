"""Flags: facts of an epoch that a person should judge. They feed no root, change no pay and prove nothing."""
