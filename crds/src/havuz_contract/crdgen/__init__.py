"""From the kinds to what Kubernetes and people read: CRD YAML and the reference page. Never edited by hand."""
