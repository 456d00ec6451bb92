"""Nightly files: what they are, how they are packed, how they are processed."""

from .checking import check_bucketing_strategy
from .copying import (
    CopyFiles,
    EachFile,
    FileError,
    ReadFiles,
    copy_verified,
    read_verified,
)
from .file import Bucket, File, scan_files
from .manager import BucketManager, BucketTask
from .packing import Packing, PackingSummary, pack
from .pipeline import NightlyPipeline
from .source import FileSource, write_files
from .strategies import (
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    NextFit,
    NextFitDecreasing,
    WorstFit,
    WorstFitDecreasing,
)

__all__ = [
    "BestFit",
    "BestFitDecreasing",
    "Bucket",
    "BucketManager",
    "BucketTask",
    "BucketingStrategy",
    "CopyFiles",
    "EachFile",
    "File",
    "FileError",
    "FileSource",
    "FirstFit",
    "FirstFitDecreasing",
    "NextFit",
    "NextFitDecreasing",
    "NightlyPipeline",
    "Packing",
    "PackingSummary",
    "ReadFiles",
    "WorstFit",
    "WorstFitDecreasing",
    "check_bucketing_strategy",
    "copy_verified",
    "pack",
    "read_verified",
    "scan_files",
    "write_files",
]
