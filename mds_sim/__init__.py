"""Learn, teach and plan the parallel processing of streams and nightly files."""
