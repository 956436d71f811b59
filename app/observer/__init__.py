"""Observer: a small service that says whether it and its database are well."""
