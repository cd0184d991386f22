"""Social-protection coverage in Viet Nam: readings, drivers, forecasts and scenarios."""

import os

if os.environ.get("ANALYSIS_DECLARED"):
    # A notebook that the report runs: it may read what notebooks/pipeline.yml gives it.
    from analysis import reads

    reads.watch()
