"""Late payment of contributions: levels on one definition, what moves them, and a forecast."""
