"""How dates and times are written, whatever the language: as ISO 8601, to the minute."""

DATE, TIME = "Y-m-d", "H:i"
