"""The regulation packs: one YAML file a jurisdiction, typed, dated and cited. Knows nothing of the controller."""
