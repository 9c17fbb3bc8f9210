"""What workers do: the other entrance to the pipeline, beside the surfaces."""
