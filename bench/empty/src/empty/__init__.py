"""A module that does nothing: what a call costs before anybody's code."""

from dagger import function, object_type


@object_type
class Empty:
    @function(cache="never")
    def nothing(self) -> str:
        """Do nothing."""
        return ""
