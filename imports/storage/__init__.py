"""Files of ours: where they lie, and whether what the ledger names is there."""
