"""The recorder: somebody clicks through a portal once, and a recipe is made of it."""
