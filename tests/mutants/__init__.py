"""Small faults in the source. Each must be caught by the test file that it names."""
