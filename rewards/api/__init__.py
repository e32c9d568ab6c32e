"""The API: everything that pages show, for programs; it reads and never writes (docs/api.md)."""
