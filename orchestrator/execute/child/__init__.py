"""The other side of a Python model: what runs in the child process. Imports nothing heavy until the author's code asks for data."""
