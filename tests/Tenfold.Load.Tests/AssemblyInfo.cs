// Tests of timing: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
