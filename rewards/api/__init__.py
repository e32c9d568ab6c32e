"""The API: everything that pages show, for programs; of what pages change, it asks what-ifs alone (docs/api.md)."""
