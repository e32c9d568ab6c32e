"""The server-rendered pages: public, makers, treasury, collect and status."""
