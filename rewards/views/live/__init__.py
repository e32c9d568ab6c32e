"""Pages that stay open and are told of news: one listener a process, any number of readers."""
