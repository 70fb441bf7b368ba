"""Other people's stores and servers: files are delivered to them, and fetched from them."""
