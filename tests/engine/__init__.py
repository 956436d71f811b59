"""Conformance: the unmodified dagger-io client, one case a row, on two engines."""
