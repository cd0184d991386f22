"""The country as it is: units, regions, names, indicators and their bounds."""
