"""How requests leave: which addresses, through what, trusting whom."""
