"""Social-protection coverage in Viet Nam: readings, drivers, forecasts and scenarios."""
