"""The three kinds of `havuz.dev/v1alpha1`, declared once: CRDs, reference page and local validation come from here."""
