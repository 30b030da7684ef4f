"""What a pipeline must survive, done to it: `python -m benchmarks.torture`."""
