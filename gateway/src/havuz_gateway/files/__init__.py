"""Pictures and sounds that havuz made: kept in an object store, and given out under signed links that expire."""
