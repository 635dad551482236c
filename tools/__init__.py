"""What `./tier` is made of: one topic a file, Python's standard library only."""
