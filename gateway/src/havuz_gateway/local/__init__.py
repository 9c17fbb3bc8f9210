"""`havuz up`: the whole of havuz on one machine. Manifests from a folder, the same compiler, the same gateway."""
