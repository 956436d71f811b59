"""A rehearsal of everything outside: Docker, the mirror of Docker Hub, a registry with tokens."""
