"""One adapter per foreign system, and the in-memory twins. Adapters fulfil `govcloud.ports`; they decide nothing."""
