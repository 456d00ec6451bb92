"""Nightly files: what they are, how they are packed, how they are processed."""

from mds_sim._reading import SizesReport

from .balanced import Balanced
from .bucket_task import BucketTask
from .checking import check_bucketing_strategy
from .copying import (
    CopyFiles,
    EachFile,
    FileError,
    ReadFiles,
    copy_verified,
    read_verified,
)
from .engines import (
    DeltaCompaction,
    IcebergSplits,
    MaxFiles,
    OpenCost,
    SparkPartitions,
)
from .file import Bucket, File, FileList, ScanReport, scan_files
from .instances import Instance, read_instance, write_instance
from .makespans import BucketSizes, Makespan, bucket_sizes, makespan, submission_order
from .manager import BucketManager
from .optimal import Certificate, Optimal, Solution
from .packing import Packing, PackingSummary, pack
from .packing_bounds import PackingBounds
from .pipeline import NightlyPipeline
from .refined import Harmonic, MinimumBinSlack, ModifiedFirstFitDecreasing
from .resuming import resume
from .sizes import SizeList, read_sizes
from .source import FileSource, write_files
from .strategies import (
    AlmostWorstFit,
    AlmostWorstFitDecreasing,
    BestFit,
    BestFitDecreasing,
    BucketingStrategy,
    FirstFit,
    FirstFitDecreasing,
    LookbackFit,
    NextFit,
    NextFitDecreasing,
    WorstFit,
    WorstFitDecreasing,
)
from .trickle import ClosedBucket, OpenBuckets, TrickleRule, lateness
from .trickle_manager import TrickleManager
from .trickle_pipeline import TricklePipeline
from .worst_cases import WorstNight, worst_case

__all__ = [
    "AlmostWorstFit",
    "AlmostWorstFitDecreasing",
    "Balanced",
    "BestFit",
    "BestFitDecreasing",
    "Bucket",
    "BucketManager",
    "BucketSizes",
    "BucketTask",
    "BucketingStrategy",
    "Certificate",
    "ClosedBucket",
    "CopyFiles",
    "DeltaCompaction",
    "EachFile",
    "File",
    "FileError",
    "FileList",
    "FileSource",
    "FirstFit",
    "FirstFitDecreasing",
    "Harmonic",
    "IcebergSplits",
    "Instance",
    "LookbackFit",
    "Makespan",
    "MaxFiles",
    "MinimumBinSlack",
    "ModifiedFirstFitDecreasing",
    "NextFit",
    "NextFitDecreasing",
    "NightlyPipeline",
    "OpenBuckets",
    "OpenCost",
    "Optimal",
    "Packing",
    "PackingBounds",
    "PackingSummary",
    "ReadFiles",
    "Solution",
    "ScanReport",
    "SizeList",
    "SizesReport",
    "SparkPartitions",
    "TrickleManager",
    "TricklePipeline",
    "TrickleRule",
    "WorstFit",
    "WorstFitDecreasing",
    "WorstNight",
    "bucket_sizes",
    "check_bucketing_strategy",
    "copy_verified",
    "lateness",
    "makespan",
    "pack",
    "read_instance",
    "read_verified",
    "read_sizes",
    "resume",
    "scan_files",
    "submission_order",
    "worst_case",
    "write_files",
    "write_instance",
]
