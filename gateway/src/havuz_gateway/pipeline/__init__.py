"""One request's way: authenticate, plan, admit, attempt, relay, settle. `run` is the whole of it on one screen."""
