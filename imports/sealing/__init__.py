"""Customers' records, encrypted where they rest: codec, keys, columns, files, working copies."""
