"""The API `govcloud.dev/v1alpha1` as frozen pydantic models. The CRDs are generated from them. No I/O, no decisions."""
