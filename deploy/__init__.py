"""How the controller is installed: manifests only. A package, so that the controller finds its admission policies in a wheel too."""
