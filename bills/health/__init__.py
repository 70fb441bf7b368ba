"""How each portal fares: its success by day, pages that have changed, and when its runs stop."""
