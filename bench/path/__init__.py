"""The stranger's path: a fresh clone, every way to deploy it, and what operators are promised of it."""
