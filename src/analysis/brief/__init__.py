"""The brief of a province or of the country: what a steering committee asks, on one page."""

from analysis.brief.build import Brief, brief
from analysis.brief.tables import Tables, unit_code, unit_of

__all__ = ["Brief", "Tables", "brief", "unit_code", "unit_of"]
