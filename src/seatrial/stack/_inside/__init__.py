"""Files that run on their own: without the package, in a child process or inside a service."""
