"""Learn, teach and plan the parallel processing of streams and nightly files.

Messages arrive and are grouped into mini-batches; nightly files are packed into
buckets; both are handled by a pool of workers, for real or in a simulation:

>>> import mds_sim as mds
>>> pipeline = mds.StreamPipeline(service=mds.LinearService(per_job=30, per_item=2))
>>> record = pipeline.simulate(until=1 * mds.DAY, rng=1)
>>> len(record.items), len(record.jobs)
(14388, 283)

Times are in seconds, sizes in bytes. Everything random takes ``rng``: a seed, a
``numpy.random.Generator`` or None. ``theory``, ``plots``, ``analysis``, ``data``,
``testing`` and ``widgets`` are modules of this package, each loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import analysis, data, plots, testing, theory, widgets
    from .analysis import (
        BucketChoice,
        Comparison,
        Diagnosis,
        Plan,
        compare,
        diagnose,
        plan_buckets,
        plan_window,
        plan_workers,
    )
    from .core import (
        Clock,
        Ledger,
        LedgerError,
        PoolInsights,
        Retry,
        Task,
        TaskRecord,
        VirtualClock,
        WallClock,
        WorkerCrashError,
        WorkerPool,
    )
    from .distributions import (
        Constant,
        Empirical,
        Exponential,
        Gamma,
        Law,
        LogNormal,
        Uniform,
    )
    from .files import (
        AlmostWorstFit,
        AlmostWorstFitDecreasing,
        Balanced,
        BestFit,
        BestFitDecreasing,
        Bucket,
        BucketingStrategy,
        BucketManager,
        BucketTask,
        Certificate,
        CopyFiles,
        DeltaCompaction,
        EachFile,
        File,
        FileError,
        FileList,
        FileSource,
        FirstFit,
        FirstFitDecreasing,
        Harmonic,
        IcebergSplits,
        Instance,
        LookbackFit,
        MaxFiles,
        MinimumBinSlack,
        ModifiedFirstFitDecreasing,
        NextFit,
        NextFitDecreasing,
        NightlyPipeline,
        OpenBuckets,
        OpenCost,
        Optimal,
        Packing,
        ReadFiles,
        SizeList,
        Solution,
        SparkPartitions,
        TrickleManager,
        TricklePipeline,
        TrickleRule,
        WorstFit,
        WorstFitDecreasing,
        bucket_sizes,
        lateness,
        makespan,
        pack,
        read_instance,
        read_sizes,
        resume,
        scan_files,
        submission_order,
        worst_case,
        write_files,
        write_instance,
    )
    from .records import Failure, Items, Jobs, RunRecord
    from .sim import LinearService
    from .stream import (
        Arrivals,
        CountWindow,
        FirstMessageWindow,
        Message,
        MessageSource,
        MiniBatch,
        MiniBatchBuilder,
        MiniBatchTask,
        PoissonArrivals,
        RenewalArrivals,
        SessionWindow,
        StreamPipeline,
        TraceArrivals,
        TumblingWindow,
        VaryingPoissonArrivals,
        WindowRule,
        read_arrivals,
    )
    from .system import System, SystemRecord
    from .tournament import (
        AffineKnockout,
        FinalLast,
        FixedOutcome,
        FunnelFirst,
        GreedySeating,
        HorizonSeating,
        PlackettLuce,
        Player,
        PointsLeader,
        RandomSeating,
        Schedule,
        ScheduledSeating,
        SwissSeating,
        Table,
        Tournament,
        round_robin,
        schedule,
    )
    from .units import DAY, GB, HOUR, KB, MB, MINUTE, MiB

__version__ = "0.1.0"

__all__ = [
    # units: seconds and bytes
    "MINUTE", "HOUR", "DAY", "KB", "MB", "GB", "MiB",
    # laws of chance
    "Law", "Exponential", "Gamma", "LogNormal", "Constant", "Uniform", "Empirical",
    # where messages and files come from
    "Arrivals", "PoissonArrivals", "RenewalArrivals", "VaryingPoissonArrivals",
    "TraceArrivals", "read_arrivals", "FileSource", "scan_files", "FileList",
    "read_sizes", "SizeList", "write_files",
    # what data are like
    "diagnose", "Diagnosis",
    # which alternative is best
    "compare", "Comparison",
    # how many workers, which window, which buckets
    "plan_workers", "plan_window", "plan_buckets", "Plan", "BucketChoice",
    # how messages are grouped
    "WindowRule", "FirstMessageWindow", "TumblingWindow", "SessionWindow",
    "CountWindow",
    # how files are packed
    "pack", "Packing", "BucketingStrategy", "NextFit", "FirstFit", "BestFit",
    "WorstFit", "NextFitDecreasing", "FirstFitDecreasing", "BestFitDecreasing",
    "WorstFitDecreasing", "AlmostWorstFit", "AlmostWorstFitDecreasing",
    "LookbackFit", "Harmonic", "ModifiedFirstFitDecreasing", "MinimumBinSlack",
    "Balanced", "SparkPartitions", "DeltaCompaction", "IcebergSplits", "OpenCost",
    "MaxFiles", "Optimal", "Solution", "Certificate", "worst_case", "Instance",
    "read_instance", "write_instance",
    # when a night is done
    "makespan", "submission_order", "bucket_sizes", "TrickleRule", "OpenBuckets",
    "lateness",
    # running it for real
    "Clock", "WallClock", "VirtualClock", "Task", "TaskRecord", "WorkerPool",
    "Retry", "PoolInsights", "WorkerCrashError", "Ledger", "LedgerError",
    "resume",
    "Message", "MessageSource", "MiniBatch", "MiniBatchBuilder", "MiniBatchTask",
    "File", "FileError", "Bucket", "BucketManager", "BucketTask", "CopyFiles",
    "ReadFiles", "EachFile", "TrickleManager",
    # the pipelines, simulated or run, and what happened
    "StreamPipeline", "NightlyPipeline", "TricklePipeline", "LinearService",
    "RunRecord", "Items", "Jobs", "Failure",
    "System", "SystemRecord",
    # the tournament
    "Player", "Table", "Tournament", "RandomSeating", "GreedySeating",
    "HorizonSeating",
    "SwissSeating", "AffineKnockout", "FunnelFirst", "FinalLast",
    "ScheduledSeating", "PointsLeader", "PlackettLuce", "FixedOutcome", "Schedule",
    "schedule", "round_robin",
    # rooms to look into
    "analysis", "data", "plots", "testing", "theory", "widgets",
]  # fmt: skip


# Loaded when first used: a script pays for what it needs, and for nothing else.
_MODULES = {
    "analysis": "BucketChoice Comparison Diagnosis Plan compare diagnose plan_buckets "
    "plan_window plan_workers",
    "core": "Clock Ledger LedgerError PoolInsights Retry Task TaskRecord VirtualClock "
    "WallClock WorkerCrashError WorkerPool",
    "distributions": "Constant Empirical Exponential Gamma Law LogNormal Uniform",
    "files": "AlmostWorstFit AlmostWorstFitDecreasing Balanced BestFit "
    "BestFitDecreasing Bucket BucketManager BucketTask BucketingStrategy "
    "Certificate CopyFiles DeltaCompaction EachFile File FileError FileList "
    "FileSource FirstFit FirstFitDecreasing Harmonic IcebergSplits Instance "
    "LookbackFit MaxFiles MinimumBinSlack ModifiedFirstFitDecreasing "
    "NextFit NextFitDecreasing NightlyPipeline OpenBuckets OpenCost Optimal "
    "Packing ReadFiles SizeList Solution SparkPartitions TrickleManager "
    "TricklePipeline TrickleRule WorstFit "
    "WorstFitDecreasing bucket_sizes lateness makespan pack read_instance read_sizes "
    "resume scan_files submission_order worst_case write_files "
    "write_instance",
    "records": "Failure Items Jobs RunRecord",
    "sim": "LinearService",
    "stream": "Arrivals CountWindow FirstMessageWindow Message "
    "MessageSource MiniBatch MiniBatchBuilder MiniBatchTask "
    "PoissonArrivals RenewalArrivals SessionWindow StreamPipeline "
    "TraceArrivals TumblingWindow VaryingPoissonArrivals "
    "WindowRule read_arrivals",
    "system": "System SystemRecord",
    "tournament": "AffineKnockout FinalLast FunnelFirst SwissSeating "
    "FixedOutcome GreedySeating HorizonSeating PlackettLuce Player PointsLeader "
    "RandomSeating Schedule ScheduledSeating Table Tournament "
    "round_robin schedule",
    "units": "DAY GB HOUR KB MB MINUTE MiB",
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names.split()}
_ROOMS = {
    "analysis", "data", "plots", "sim", "testing", "theory", "widgets", *_MODULES
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a name or a room when it is first used: ``plots`` brings Matplotlib."""
    if name in _WHERE:
        value = getattr(import_module(f".{_WHERE[name]}", __name__), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the names, loaded or not."""
    return sorted({*globals(), *__all__})
