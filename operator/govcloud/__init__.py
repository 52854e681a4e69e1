"""The controller of a government cloud: it turns approved requests into OpenStack resources, and keeps the evidence."""
