"""What people have in files: one column of stamps or of sizes, however written.

The stream reads arrivals and the night reads sizes; both find their column here.
"""

from .report import ArrivalsReport, ReadReport, SizesReport
from .tables import FORMATS, Chunk, Column, open_column

__all__ = [
    "FORMATS",
    "ArrivalsReport",
    "Chunk",
    "Column",
    "ReadReport",
    "SizesReport",
    "open_column",
]
