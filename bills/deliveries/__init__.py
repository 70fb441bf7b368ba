"""Bills on their way to where they are used: each once, proven, and tried again if it failed."""
