"""Side-by-side measurements against what people would use instead; never a part of the tests."""
