"""The types of Dagger's API, one file each; fields are methods in snake case."""
